import type { RedisCommand } from "./channel.ts";
import type { RedisCall } from "./pending_calls.ts";

/** A way to send commands to a server or a cluster. */
export interface RedisCommands {
  /** The time of the clock that deadlines are measured by. */
  readonly nowMs: number;
  /** Whether a command with several keys needs them to be in one slot. */
  readonly sharded: boolean;
  /**
   * Sends a command and resolves with the reply, whose texts are a `Buffer`. Settles by the deadline of the call, and
   * rejects with an error of the area.
   */
  send(command: RedisCommand, call: RedisCall): Promise<unknown>;
  /** Runs `use` for one master after the other. */
  forEachMaster(
    use: (send: (args: readonly string[]) => Promise<unknown>) => Promise<void>,
    call: RedisCall,
  ): Promise<void>;
  /** Rejects everything that waits and ends what is open. Idempotent. */
  close(): void;
}
