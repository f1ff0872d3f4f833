import type { Buffer } from "node:buffer";
import type { RedisCommand } from "../../../core/redis/channel.ts";
import type { MakeKey } from "./keys.ts";
import type { RedisCall } from "../../../core/redis/pending_calls.ts";
import type { RedisCommands } from "../../../core/redis/redis_commands.ts";
import {
  type RedisScript,
  type RunsScripts,
  ScriptRunner,
} from "../../../core/redis/redis_script.ts";
import type { RedisKeyKind, RunScript, ScriptCall } from "./script.ts";

/** The words of a command after its key. */
export type CommandRest = readonly (string | Uint8Array)[];

/** What may be done with a command besides sending it once. */
export type CommandFlags = Pick<RedisCommand, "readOnly" | "repeatable">;

/** Changes nothing, so that it can be sent again. */
export const READS: CommandFlags = { readOnly: true, repeatable: true };

/** Changes something, and once more changes nothing more. */
export const REPEATABLE: CommandFlags = { repeatable: true };

/** The keys of one namespace on a connection. */
export class RedisStore {
  /** The connection. */
  readonly connection: RedisCommands;
  /** Makes keys of the namespace. */
  readonly keyOf: MakeKey;
  readonly #timeoutMs: number;
  readonly #scripts: RunsScripts;

  /** Joins them; `timeoutMs` is the deadline of calls that have none. */
  constructor(
    connection: RedisCommands,
    keyOf: MakeKey,
    timeoutMs: number,
    scripts: RunsScripts = new ScriptRunner(connection),
  ) {
    this.connection = connection;
    this.keyOf = keyOf;
    this.#timeoutMs = timeoutMs;
    this.#scripts = scripts;
  }

  /** Sends a command about one key: its name, the key, the rest. */
  send(
    name: string,
    kind: RedisKeyKind,
    keyName: string,
    rest: CommandRest,
    call: ScriptCall,
    { readOnly = false, repeatable = false }: CommandFlags = {},
  ): Promise<unknown> {
    const key = this.keyOf(kind, keyName);
    const command = { args: [name, key, ...rest], key, readOnly, repeatable };
    return this.connection.send(command, this.deadline(call));
  }

  /** Rejects unless the server answers. */
  async ping(call: ScriptCall): Promise<void> {
    await this.connection.send({ args: ["PING"], ...READS }, this.deadline(call));
  }

  /** Reads many keys of one kind, in the order of the names; in a cluster one by one, else at once. */
  async readMany(
    kind: RedisKeyKind,
    names: readonly string[],
    call: ScriptCall,
  ): Promise<(Buffer | null)[]> {
    if (names.length === 0) return [];
    if (this.connection.sharded) {
      const replies = names.map((name) => this.send("GET", kind, name, [], call, READS));
      return await Promise.all(replies) as (Buffer | null)[];
    }
    const keys = names.map((name) => this.keyOf(kind, name));
    const command = { args: ["MGET", ...keys], ...READS };
    return await this.connection.send(command, this.deadline(call)) as (Buffer | null)[];
  }

  /** Runs a script on many values, one by one in a cluster, else at once; one reply for each time. */
  async runMany(
    script: RedisScript,
    names: readonly string[],
    call: ScriptCall,
  ): Promise<{ readonly names: readonly string[]; readonly reply: unknown }[]> {
    if (names.length === 0) return [];
    const groups = this.connection.sharded ? names.map((name) => [name]) : [names];
    return await Promise.all(groups.map(async (group) => {
      const keys = group.map((name) => this.keyOf("value", name));
      return {
        names: group,
        reply: await this.#scripts.run(script, keys, [], this.deadline(call)),
      };
    }));
  }

  /** Runs a script; the server gets its text only if it does not have it. See {@linkcode RunScript}. */
  readonly run: RunScript = (script, kind, name, args, call) =>
    this.#scripts.run(script, [this.keyOf(kind, name)], args, this.deadline(call));

  /** The call with its deadline. */
  deadline(call: ScriptCall): RedisCall {
    const { operation, signal, timeoutMs = this.#timeoutMs, endMs } = call;
    return { operation, signal, timeoutMs, endMs };
  }

  /** The call with a deadline for all its steps together, which begin now. */
  withEnd(call: ScriptCall): ScriptCall {
    const { timeoutMs = this.#timeoutMs } = call;
    return { ...call, timeoutMs, endMs: this.connection.nowMs + timeoutMs };
  }
}
