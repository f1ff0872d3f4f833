import { createHash } from "node:crypto";
import type { RedisCall } from "./pending_calls.ts";
import type { RedisCommands } from "./redis_commands.ts";
import { replyCode } from "./redis_error.ts";

/** A Lua script that the server runs as one step. Its keys are in one slot, so that a cluster can run it. */
export interface RedisScript {
  /** What it does, in two words. */
  readonly name: string;
  /** The Lua text; `KEYS[1]` is the first key. */
  readonly text: string;
  /** Whether running it once more changes nothing more, so that it can be sent again when the connection broke. */
  readonly repeatable?: boolean;
}

/** Runs scripts. */
export interface RunsScripts {
  /** Resolves with the reply as the server sends it: numbers, bytes, `null`, lists of them. */
  run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | Uint8Array)[],
    call: RedisCall,
  ): Promise<unknown>;
}

/** Runs scripts on a connection; the server gets the text of one only if it does not have it. */
export class ScriptRunner implements RunsScripts {
  readonly #connection: Pick<RedisCommands, "send">;
  readonly #digests = new Map<RedisScript, string>();

  /** Creates one. */
  constructor(connection: Pick<RedisCommands, "send">) {
    this.#connection = connection;
  }

  /** See {@linkcode RunsScripts.run}. */
  async run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | Uint8Array)[],
    call: RedisCall,
  ): Promise<unknown> {
    const [key] = keys;
    const send = (name: string, text: string): Promise<unknown> => {
      const words = [name, text, String(keys.length), ...keys, ...args];
      const command = { args: words, repeatable: script.repeatable ?? false, ...(key && { key }) };
      return this.#connection.send(command, call);
    };
    try {
      return await send("EVALSHA", this.#digest(script));
    } catch (error) {
      if (replyCode(error) !== "NOSCRIPT") throw error;
      return send("EVAL", script.text);
    }
  }

  #digest(script: RedisScript): string {
    let digest = this.#digests.get(script);
    if (digest === undefined) {
      digest = createHash("sha1").update(script.text).digest("hex");
      this.#digests.set(script, digest);
    }
    return digest;
  }
}
