import type { RedisScript } from "../../../core/redis/redis_script.ts";
import type { CallOptions } from "../../../core/call_options.ts";

/** How to call a script. */
export interface ScriptCall extends CallOptions {
  /** The public call that it is for, such as `CacheProvider.increment`. */
  readonly operation: string;
  /** When a call of several steps has to be over, by the clock of the connection; see `withEnd`. */
  readonly endMs?: number | undefined;
}

/**
 * Runs a script on a key of the namespace (`kind` and `name` make the key) and returns its reply as the server
 * sends it: numbers, bytes, `null`, lists of them. Rejects with a `CacheError`.
 */
export type RunScript = (
  script: RedisScript,
  kind: RedisKeyKind,
  name: string,
  args: readonly (string | Uint8Array)[],
  call: ScriptCall,
) => Promise<unknown>;

/** What a key of the namespace is for. Values are apart from the rest, so that no pattern reaches it. */
export type RedisKeyKind = "value" | "tag" | "lock" | "rate" | "refresh";
