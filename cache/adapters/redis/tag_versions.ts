import { type RedisStore, REPEATABLE } from "./store.ts";
import type { ScriptCall } from "./script.ts";
import { TAG_VERSION } from "./scripts.ts";

/**
 * The versions of tags. A value keeps the versions of its tags from before it was loaded, and is there only
 * while they are still the same, so that removing one version drops every value of the tag, with any number of
 * them, and also those that are written late. Versions are random: no clock is asked, neither a
 * client's, which can be wrong, nor the server's, which can be set back; a tag that was evicted has no version, which
 * is not that of any value.
 */
export class TagVersions {
  readonly #store: RedisStore;
  readonly #isOwed: (tag: string) => boolean;

  /** Creates them for the tags of a store; no value with a tag that `isOwed` is there. */
  constructor(store: RedisStore, isOwed: (tag: string) => boolean) {
    this.#store = store;
    this.#isOwed = isOwed;
  }

  /** The versions of the tags for a value that lives `ttlMs`, `Infinity` for ever; new ones where there are none. */
  async current(
    tags: readonly string[],
    ttlMs: number,
    call: ScriptCall,
  ): Promise<Record<string, string>> {
    const lifetime = ttlMs === Infinity ? "" : String(ttlMs);
    const versions = await Promise.all(
      tags.map((tag) =>
        this.#store.run(TAG_VERSION, "tag", tag, [lifetime, crypto.randomUUID()], call)
      ),
    );
    // Not by assignment, which would lose a tag named __proto__.
    return Object.fromEntries(tags.map((tag, i) => [tag, String(versions[i])]));
  }

  /** Whether the versions are still the same. */
  async areCurrent(versions: Readonly<Record<string, string>>, call: ScriptCall): Promise<boolean> {
    const entries = Object.entries(versions);
    if (entries.some(([tag]) => this.#isOwed(tag))) return false;
    const found = await this.#store.readMany("tag", entries.map(([tag]) => tag), call);
    return entries.every(([, version], i) => found[i]?.toString() === version);
  }

  /** Removes the version of a tag. */
  async invalidate(tag: string, call: ScriptCall): Promise<void> {
    await this.#store.send("UNLINK", "tag", tag, [], call, REPEATABLE);
  }
}
