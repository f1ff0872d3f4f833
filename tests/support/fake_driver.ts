import type {
  DatabaseDriver,
  DriverColumn,
  DriverConnection,
  DriverQuery,
  DriverResult,
} from "../../database/driver.ts";

/** A driver whose connections a test plays itself. */
export class FakeDriver implements DatabaseDriver {
  readonly name = "fake";
  readonly maxConnections: number;
  /** Every connection that was opened, in order. */
  readonly connections: FakeConnection[] = [];
  /** Whether the driver was closed. */
  closed = false;
  /** How the next attempts to connect go; those after them succeed at once. */
  readonly attempts: (() => Promise<void>)[] = [];
  /** How many attempts were made. */
  attempted = 0;
  /** What a new connection answers. Default: nothing, at once. */
  answer: (query: DriverQuery) => Promise<DriverResult> = () => Promise.resolve(NOTHING);

  constructor(maxConnections = 1_000) {
    this.maxConnections = maxConnections;
  }

  async connect(onBroken: () => void): Promise<DriverConnection> {
    this.attempted++;
    await this.attempts.shift()?.();
    const connection = new FakeConnection(this.answer, onBroken);
    this.connections.push(connection);
    return connection;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** A result without rows. */
export const NOTHING: DriverResult = { rows: [], rowCount: 0, command: "" };

/** A connection of a {@linkcode FakeDriver}. */
export class FakeConnection implements DriverConnection {
  usable = true;
  reusable = true;
  copies = false;
  /** The texts that it was given. */
  readonly texts: string[] = [];
  /** How often it was asked to cancel. */
  cancelled = 0;
  closed = false;
  /** What it answers. */
  answer: (query: DriverQuery) => Promise<DriverResult>;
  readonly #onBroken: () => void;

  constructor(answer: (query: DriverQuery) => Promise<DriverResult>, onBroken: () => void) {
    this.answer = answer;
    this.#onBroken = onBroken;
  }

  execute(query: DriverQuery): Promise<DriverResult> {
    this.texts.push(query.text);
    return this.answer(query);
  }

  describe(): Promise<readonly DriverColumn[] | undefined> {
    return Promise.resolve(undefined);
  }

  cancel(): Promise<void> {
    this.cancelled++;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    this.usable = false;
    this.reusable = false;
    return Promise.resolve();
  }

  /** The connection dies. */
  break(): void {
    this.usable = false;
    this.reusable = false;
    this.#onBroken();
  }
}

/** Never settles. */
export function forever<T>(): Promise<T> {
  return new Promise(() => {});
}

/** Lets everything run that waits for nothing but promises. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
