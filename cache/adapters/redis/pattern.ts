import type { Buffer } from "node:buffer";
import { compileGlob } from "../../glob.ts";
import type { ScriptCall } from "./script.ts";
import { REMOVE_MANY } from "./scripts.ts";
import type { RedisStore } from "./store.ts";
import type { RedisValues } from "./values.ts";

/** How many keys the server looks at for one page of them. */
const PAGE = "1000";

/** Removes the values whose keys match a glob. */
export class PatternRemoval {
  readonly #store: RedisStore;
  readonly #values: RedisValues;

  /** Creates one for the values of a store. */
  constructor(store: RedisStore, values: RedisValues) {
    this.#store = store;
    this.#values = values;
  }

  /** Removes them, page by page on each node; returns how many there were. */
  async remove(pattern: string, call: ScriptCall): Promise<number> {
    const matches = compileGlob(pattern);
    const prefix = this.#store.keyOf("value", "");
    let removed = 0;
    await this.#store.connection.forEachMaster(async (send) => {
      let cursor = "0";
      do {
        const page = await send([
          "SCAN",
          cursor,
          "MATCH",
          prefix + widened(pattern),
          "COUNT",
          PAGE,
        ]);
        const [next, keys] = page as [Buffer, Buffer[]];
        const names = keys.map((key) => key.toString().slice(prefix.length)).filter(matches);
        removed += await this.#removeAll(names, call);
        cursor = next.toString();
      } while (cursor !== "0");
    }, this.#store.deadline(call));
    return removed;
  }

  async #removeAll(names: readonly string[], call: ScriptCall): Promise<number> {
    let removed = 0;
    for (const group of await this.#store.runMany(REMOVE_MANY, names, call)) {
      const [count, ...left] = group.reply as RemoveManyReply;
      removed += count;
      const rest = left.map((position) => this.#values.remove(group.names[position] ?? "", call));
      removed += (await Promise.all(rest)).filter(Boolean).length;
    }
    return removed;
  }
}

/** The first number of the reply is how many were removed; the others are what was left, by position. */
type RemoveManyReply = readonly [removed: number, ...left: number[]];

/**
 * The glob for the server, which matches at least as much: its `?` stands for a byte. The prefix, a namespace, has
 * no character that would need an escape.
 */
function widened(pattern: string): string {
  return pattern.replace(/[*?]+/g, "*");
}
