import { Buffer } from "node:buffer";
import type { RedisCommand } from "./channel.ts";
import type { RedisCall } from "./pending_calls.ts";
import type { RedisScript, RunsScripts } from "./redis_script.ts";

/**
 * Lua that makes bytes of packed words again, in front of a script: U+0080 to U+00FF are C2 or C3 and one more byte in
 * UTF-8. By a table, because calling a function for each takes the server ten times as long.
 */
const UNPACK = `
local packed, ARGV = ARGV, {}
local bytes
for i, word in ipairs(packed) do
  if string.find(word, '[\\194\\195]') then
    if not bytes then
      bytes = {}
      for low = 128, 191 do
        bytes['\\194' .. string.char(low)] = string.char(low)
        bytes['\\195' .. string.char(low)] = string.char(low + 64)
      end
    end
    word = string.gsub(word, '[\\194\\195].', bytes)
  end
  ARGV[i] = word
end
`;

const ANY_COMMAND = `${UNPACK}return redis.call(unpack(ARGV))`;

/** Bytes as text: each is the code point of the same number. Text is taken as its bytes in UTF-8. */
function packed(word: string | Uint8Array): string {
  const bytes = typeof word === "string"
    ? Buffer.from(word)
    : Buffer.from(word.buffer, word.byteOffset, word.byteLength);
  return bytes.toString("latin1");
}

/** The words of a command as text; one with bytes in it becomes a script that sends the same command on the server. */
export function textWords({ args, key }: RedisCommand): string[] {
  if (args.every((word) => typeof word === "string")) return [...args];
  const keys = key === undefined ? ["0"] : ["1", key];
  return ["EVAL", ANY_COMMAND, ...keys, ...args.map(packed)];
}

/** Runs scripts over a protocol that has text only: their arguments are packed, and unpacked on the server. */
export class PackedScripts implements RunsScripts {
  readonly #scripts: RunsScripts;
  readonly #unpacking = new Map<RedisScript, RedisScript>();

  /** Creates one that runs them through another. */
  constructor(scripts: RunsScripts) {
    this.#scripts = scripts;
  }

  /** See {@linkcode RunsScripts.run}. */
  run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | Uint8Array)[],
    call: RedisCall,
  ): Promise<unknown> {
    return this.#scripts.run(this.#unpackingOf(script), keys, args.map(packed), call);
  }

  #unpackingOf(script: RedisScript): RedisScript {
    let unpacking = this.#unpacking.get(script);
    if (!unpacking) {
      unpacking = { ...script, text: UNPACK + script.text };
      this.#unpacking.set(script, unpacking);
    }
    return unpacking;
  }
}
