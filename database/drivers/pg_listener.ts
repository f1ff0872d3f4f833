import type { DriverConnection, DriverListener, DriverListenerEvents } from "../driver.ts";

/** A connection that tells of notifications. */
export interface NotifiedConnection extends DriverConnection {
  /** Calls `listener` for each notification. */
  onNotification(listener: () => void): void;
}

/** Listens on a connection, which then is good for nothing else, and is closed if that fails. */
export async function listenOn(
  connection: NotifiedConnection,
  channel: string,
  { onNotify }: DriverListenerEvents,
): Promise<DriverListener> {
  connection.onNotification(onNotify);
  try {
    await connection.execute({ text: `listen "${channel}"`, values: [] });
  } catch (error) {
    await connection.close();
    throw error;
  }
  return {
    // A pooler in between may have given the server's session to somebody else.
    async check(): Promise<void> {
      const text = "select 1 from pg_listening_channels() as c (name) where name = $1";
      const { rowCount } = await connection.execute({ text, values: [channel] });
      if (rowCount === 0) throw new Error("the session does not listen any more");
    },
    close: () => connection.close(),
  };
}
