import { ValidationError } from "../core/errors.ts";
import { kindOf, showValue } from "../core/shown_value.ts";
import type { GetOrSetOptions, SetOptions, WriteOptions } from "./cache.ts";
import { checkKey } from "./key_rules.ts";
import { checkTtl } from "./ttl.ts";

/** The most tags of one value. */
export const MAX_TAGS = 64;

/** How a value is written, with nothing left to decide. */
export interface WriteSettings {
  /** How long it lives, in milliseconds; `Infinity` for ever. The jitter is taken off. */
  readonly ttlMs: number;
  /** Its tags, each once. */
  readonly tags: readonly string[];
}

/** How a value is loaded, with nothing left to decide. */
export interface LoadSettings extends WriteSettings {
  /** How long it may be handed out after `ttlMs`; 0 for not at all. */
  readonly staleMs: number;
  /** β of XFetch; 0 for never early. */
  readonly earlyRefresh: number;
  /** How long a loaded `undefined` is remembered; `undefined` for not at all. */
  readonly negativeTtlMs: number | undefined;
}

const NO_TAGS: readonly string[] = [];

/**
 * Returns the TTL of a write in milliseconds, `Infinity` for ever; throws a `ValidationError` for a bad one.
 *
 * ```ts
 * import { checkedTtl } from "@benchmark-exchange/infrastructure/cache";
 *
 * console.log(checkedTtl({ ttlMs: 60_000 }, 3_600_000)); // 60000: of the call
 * console.log(checkedTtl(undefined, 3_600_000)); // 3600000: of the provider
 * console.log(checkedTtl(undefined)); // Infinity
 * ```
 */
export function checkedTtl(options: WriteOptions | undefined, defaultTtlMs = Infinity): number {
  const ttlMs = options?.ttlMs;
  return ttlMs === undefined ? defaultTtlMs : checkTtl(ttlMs);
}

/**
 * Returns the settings of a write; throws a `ValidationError` that names the bad option.
 *
 * ```ts
 * import { checkWrite } from "@benchmark-exchange/infrastructure/cache";
 *
 * const options = { ttlMs: 60_000, ttlJitter: 0.1, tags: ["benchmark:123", "benchmark:123"] };
 * const settings = checkWrite(options, undefined, () => 0.5);
 * console.log(settings); // { ttlMs: 57000, tags: [ "benchmark:123" ] }
 * ```
 */
export function checkWrite(
  options: SetOptions | undefined,
  defaultTtlMs?: number,
  random: () => number = Math.random,
): WriteSettings {
  const ttlMs = checkedTtl(options, defaultTtlMs);
  if (options === undefined) return { ttlMs, tags: NO_TAGS };
  const { tags, ttlJitter } = options;
  return {
    ttlMs: ttlJitter === undefined
      ? ttlMs
      : jittered(ttlMs, checkShare("ttlJitter", ttlJitter), random),
    tags: tags === undefined ? NO_TAGS : checkTags(tags),
  };
}

/**
 * Returns the settings of a load; throws a `ValidationError` that names the bad option.
 *
 * ```ts
 * import { checkLoad } from "@benchmark-exchange/infrastructure/cache";
 *
 * const settings = checkLoad({ ttlMs: 60_000, staleMs: 600_000, negativeTtlMs: 5_000 });
 * console.log(settings.ttlMs + settings.staleMs); // 660000: how long the store has to keep it
 * console.log(settings.earlyRefresh, settings.tags); // 0 []
 * ```
 */
export function checkLoad(
  options: GetOrSetOptions<unknown> | undefined,
  defaultTtlMs?: number,
  random?: () => number,
): LoadSettings {
  const write = checkWrite(options, defaultTtlMs, random);
  const { staleMs, earlyRefresh = 0, negativeTtlMs } = options ?? {};
  if (staleMs !== undefined) checkTtl(staleMs, "staleMs");
  if (staleMs !== undefined && write.ttlMs === Infinity) {
    throw new ValidationError("staleMs", "it needs a ttlMs, after which the value is stale");
  }
  if (typeof earlyRefresh !== "number" || !(earlyRefresh >= 0 && earlyRefresh <= 1_000)) {
    const why = `it must be a number from 0 to 1000, got ${showValue(earlyRefresh)}`;
    throw new ValidationError("earlyRefresh", why);
  }
  return {
    ...write,
    staleMs: staleMs ?? 0,
    earlyRefresh,
    negativeTtlMs: negativeTtlMs === undefined
      ? undefined
      : checkTtl(negativeTtlMs, "negativeTtlMs"),
  };
}

/**
 * Returns the tags, each once, if they are an array of at most {@linkcode MAX_TAGS} and each is as a key is.
 *
 * ```ts
 * import { checkTags } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(checkTags(["user:ada", "lang:en", "user:ada"])); // [ "user:ada", "lang:en" ]
 * try {
 *   checkTags(["lang:en", "user ada"]);
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "tags[1]"
 * }
 * ```
 */
export function checkTags(tags: unknown, field = "tags"): readonly string[] {
  if (!Array.isArray(tags)) {
    throw new ValidationError(field, `they must be an array, got ${kindOf(tags)}`);
  }
  if (tags.length > MAX_TAGS) {
    throw new ValidationError(field, `there must be at most ${MAX_TAGS}, got ${tags.length}`);
  }
  return [...new Set(tags.map((tag, i) => checkKey(tag, `${field}[${i}]`)))];
}

function checkShare(field: string, share: unknown): number {
  if (typeof share === "number" && share >= 0 && share <= 1) return share;
  throw new ValidationError(field, `it must be a number from 0 to 1, got ${showValue(share)}`);
}

function jittered(ttlMs: number, share: number, random: () => number): number {
  return ttlMs === Infinity ? ttlMs : Math.max(1, Math.round(ttlMs * (1 - share * random())));
}
