import type { StreamBus } from "../../messaging/streams.ts";
import { usageError } from "../command_error.ts";
import type { CommandLine } from "../command_line.ts";
import type { CliIo } from "../io.ts";
import { requiredVariable } from "../variables.ts";

/** A group of a channel. */
export interface StreamPlace {
  readonly channel: string;
  readonly group: string;
}

/** The group that the options name; `undefined` for the outbox. Throws a `CommandError` for a half of it. */
export function streamPlace(line: CommandLine): StreamPlace | undefined {
  const [channel, group] = [line.text("channel"), line.text("group")];
  if (channel !== undefined && group !== undefined) return { channel, group };
  if (channel === undefined && group === undefined) return undefined;
  throw usageError(
    "Cannot find the stream: --channel and --group belong together; without both it is the outbox",
  );
}

/** Uses the streams on the server that `REDIS_URL` names, and lets go of it afterwards. */
export async function withStreams<T>(
  { environment }: CliIo,
  use: (streams: StreamBus) => Promise<T>,
): Promise<T> {
  const url = requiredVariable(environment, "REDIS_URL");
  // Loaded only here, because the client takes its time to load.
  const { RedisStreamBus } = await import("../../messaging/adapters/redis_streams.ts");
  const streams = await RedisStreamBus.connect({ url });
  try {
    return await use(streams);
  } finally {
    await streams.close();
  }
}
