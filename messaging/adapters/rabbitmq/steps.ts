import type { Clock } from "../../../core/clock.ts";
import type { StreamCall } from "../../stream_driver.ts";

/** Returns what makes calls of the steps of a call: each has the time that those before have left. */
export function stepsOf(call: StreamCall, clock: Clock): () => StreamCall {
  const endMs = clock.monotonic() + call.timeoutMs;
  return () => ({ ...call, timeoutMs: Math.max(1, endMs - clock.monotonic()) });
}
