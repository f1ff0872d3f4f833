import type { CallOptions } from "../core/call_options.ts";
import { ValidationError } from "../core/errors.ts";
import type { CacheProvider } from "./cache.ts";
import { CacheKey } from "./cache_key.ts";

/** A change that was committed, as the relay of the outbox hands it over. */
export interface ChangedThing {
  /** What kind of thing changed, such as `benchmark`. */
  readonly aggregateType: string;
  /** Which one. */
  readonly aggregateId: string;
  /** The event; of that of a submission, `benchmarkId` is read. */
  readonly payload: unknown;
}

/**
 * Removes what a cache may have of a thing that changed: the value under `<kind>:<id>` and those with a tag of that name.
 * A benchmark and a submission change the board of the benchmark, `CacheKey.leaderboard`, as well, and
 * a submission the tag `benchmark:<id>`. Do this after the commit, or a reader brings back what was before.
 *
 * Rejects if the cache could not be reached; then it has to be done again.
 *
 * ```ts
 * import { invalidateChange, MemoryCacheProvider } from "@benchmark-exchange/infrastructure/cache";
 *
 * const cache = new MemoryCacheProvider();
 * await cache.set("leaderboard:123", ["first"]);
 * await cache.set("summary:en:123", "164 tasks", { tags: ["benchmark:123"] });
 * const scored = {
 *   aggregateType: "submission",
 *   aggregateId: "77",
 *   payload: { benchmarkId: "123" },
 * };
 * await invalidateChange(cache, scored);
 * console.log(await cache.mget(["leaderboard:123", "summary:en:123"])); // [ undefined, undefined ]
 * await cache.close();
 * ```
 */
export async function invalidateChange(
  cache: CacheProvider,
  change: ChangedThing,
  options: CallOptions = {},
): Promise<void> {
  const { aggregateType, aggregateId } = change;
  const names = keyIfAny(() => CacheKey.of(aggregateType, aggregateId));
  const keys = [...names];
  const benchmarkId = benchmarkOf(change);
  if (benchmarkId !== undefined) {
    keys.push(...keyIfAny(() => CacheKey.leaderboard(benchmarkId)));
    if (aggregateType === "submission") {
      names.push(...keyIfAny(() => CacheKey.benchmark(benchmarkId)));
    }
  }
  await Promise.all([
    ...keys.map((key) => cache.delete(key, options)),
    ...names.map((tag) => cache.invalidateTag(tag, options)),
  ]);
}

/** What can be no key has no value. */
function keyIfAny(make: () => string): string[] {
  try {
    return [make()];
  } catch (error) {
    if (error instanceof ValidationError) return [];
    throw error;
  }
}

function benchmarkOf({ aggregateType, aggregateId, payload }: ChangedThing): string | undefined {
  if (aggregateType === "benchmark") return aggregateId;
  if (aggregateType !== "submission") return undefined;
  const { benchmarkId } = Object(payload) as { readonly benchmarkId?: unknown };
  return typeof benchmarkId === "string" ? benchmarkId : undefined;
}
