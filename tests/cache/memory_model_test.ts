import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryCacheProvider } from "../../cache/adapters/memory.ts";
import type { CacheProvider } from "../../cache/cache.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

/** The cache as one would explain it: text, and the time from which it is gone. */
class Model {
  readonly clock = new ManualClock();
  readonly #entries = new Map<string, { text: string; goneAt: number }>();

  read(key: string): unknown {
    const entry = this.#entry(key);
    return entry && JSON.parse(entry.text);
  }

  write(key: string, value: unknown, ttlMs?: number): void {
    const goneAt = ttlMs === undefined ? Infinity : this.clock.now() + ttlMs;
    this.#entries.set(key, { text: JSON.stringify(value), goneAt });
  }

  remove(key: string): boolean {
    return this.#entry(key) !== undefined && this.#entries.delete(key);
  }

  ttl(key: string): number | null | undefined {
    const entry = this.#entry(key);
    if (!entry) return undefined;
    return entry.goneAt === Infinity ? null : entry.goneAt - this.clock.now();
  }

  keys(): string[] {
    return [...this.#entries.keys()].filter((key) => this.#entry(key));
  }

  #entry(key: string): { text: string; goneAt: number } | undefined {
    const entry = this.#entries.get(key);
    return entry && this.clock.now() < entry.goneAt ? entry : undefined;
  }
}

/** One step on both sides; returns what the cache answered and what the model says. */
type Step = (cache: CacheProvider, model: Model) => Promise<[actual: unknown, expected: unknown]>;

const key = fc.constantFrom("a", "b", "a:1", "a:2", "b:1");
const value = fc.oneof(
  fc.integer(),
  fc.constant(null),
  fc.string(),
  fc.record({ list: fc.array(fc.integer()) }),
).filter((value) => !JSON.stringify(value).includes("\\u"));
const ttlMs = fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined });

const write = fc.tuple(key, value, ttlMs).map(
  ([key, value, ttlMs]): Step => async (cache, model) => {
    model.write(key, value, ttlMs);
    return [await cache.set(key, value, { ttlMs }), undefined];
  },
);

const writeMany = fc.tuple(fc.array(fc.tuple(key, value)), ttlMs).map(
  ([entries, ttlMs]): Step => async (cache, model) => {
    for (const [key, value] of entries) model.write(key, value, ttlMs);
    return [await cache.mset(entries, { ttlMs }), undefined];
  },
);

const writeMissing = fc.tuple(key, value, ttlMs).map(
  ([key, value, ttlMs]): Step => async (cache, model) => {
    const missing = model.read(key) === undefined;
    if (missing) model.write(key, value, ttlMs);
    return [await cache.setNx(key, value, { ttlMs }), missing];
  },
);

const load = fc.tuple(key, value, ttlMs).map(
  ([key, value, ttlMs]): Step => async (cache, model) => {
    if (model.read(key) === undefined) model.write(key, value, ttlMs);
    return [await cache.getOrSet<unknown>(key, () => value, { ttlMs }), model.read(key)];
  },
);

const increment = fc.tuple(key, fc.maxSafeInteger(), ttlMs).map(
  ([key, by, ttlMs]): Step => async (cache, model) => {
    const before = model.read(key);
    const left = model.ttl(key) ?? undefined;
    const sum = before === undefined
      ? by
      : Number.isSafeInteger(before)
      ? Number(before) + by
      : NaN;
    const fits = Number.isSafeInteger(sum);
    if (fits) model.write(key, sum, before === undefined ? ttlMs : left);
    const call = cache.increment(key, by, { ttlMs });
    return [await call.catch((error) => error.code), fits ? sum : "conflict"];
  },
);

const remove = key.map((key): Step => async (cache, model) => [
  await cache.delete(key),
  model.remove(key),
]);

const removePrefix = fc.constantFrom("", "a", "a:", "b:").map(
  (prefix): Step => async (cache, model) => {
    const gone = model.keys().filter((key) => key.startsWith(prefix));
    gone.forEach((key) => model.remove(key));
    return [await cache.deletePattern(`${prefix}*`), gone.length];
  },
);

const expire = fc.tuple(key, fc.integer({ min: 1, max: 20 })).map(
  ([key, ttlMs]): Step => async (cache, model) => {
    const found = model.read(key);
    if (found !== undefined) model.write(key, found, ttlMs);
    return [await cache.expire(key, ttlMs), found !== undefined];
  },
);

const wait = fc.integer({ min: 0, max: 30 }).map((ms): Step => (_, model) => {
  model.clock.advance(ms);
  return Promise.resolve([ms, ms]);
});

const steps = fc.array(
  fc.oneof(write, writeMany, writeMissing, load, increment, remove, removePrefix, expire, wait),
  { maxLength: 30 },
);

test("the memory cache behaves as a simple model, after every step of any sequence", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const model = new Model();
      const cache = new MemoryCacheProvider({ clock: model.clock });
      const keys = ["a", "b", "a:1", "a:2", "b:1"];
      for (const step of steps) {
        const [actual, expected] = await step(cache, model);
        assert.deepEqual(actual, expected);
        assert.deepEqual(await cache.mget(keys), keys.map((key) => model.read(key)));
        for (const key of keys) {
          assert.equal(await cache.ttl(key), model.ttl(key));
          assert.equal(await cache.exists(key), model.read(key) !== undefined);
        }
      }
    }),
    { numRuns: 300 },
  );
});
