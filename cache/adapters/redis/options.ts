import { type Clock, systemClock } from "../../../core/clock.ts";
import { checkTimeout } from "../../../core/call_options.ts";
import { ValidationError } from "../../../core/errors.ts";
import { type Observer, safeObserver, silentObserver } from "../../../core/observer.ts";
import { showValue } from "../../../core/shown_value.ts";
import { checkInteger } from "../../../core/validation.ts";
import type { ValueSchema } from "../../cache.ts";
import { checkSchema } from "../../call_rules.ts";
import { checkTtl } from "../../ttl.ts";
import { keysOf, type MakeKey } from "./keys.ts";

/** How a `RedisCacheProvider` works. */
export interface RedisCacheOptions {
  /**
   * What all its keys begin with, 1 to 64 of `A-Z a-z 0-9 . _ -`. Providers with the same namespace share
   * what they hold. Default: `exchange`.
   */
  readonly namespace?: string | undefined;
  /** The TTL of what is written without one, in milliseconds. Default: none, values stay until they are evicted. */
  readonly defaultTtlMs?: number | undefined;
  /** How long a read may take before it is a miss, in milliseconds. Default: 250. */
  readonly readTimeoutMs?: number | undefined;
  /** The deadline of every other call that has none, in milliseconds. Default: 2,000. */
  readonly timeoutMs?: number | undefined;
  /** How long an attempt to connect may take, in milliseconds. Default: 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * What reads and writes do when the server is away or slow: `miss` finds nothing and writes
   * nothing, and reports it; `error` rejects. Default: `miss`.
   */
  readonly whenUnavailable?: "miss" | "error" | undefined;
  /** How many loaders run at once while the server is away and the cache holds none of them back. Default: 64. */
  readonly maxConcurrentLoads?: number | undefined;
  /**
   * How long the others wait for a process that loads a value and is gone, in milliseconds from 100 to
   * 60,000; a living one renews its claim. Default: 2,000.
   */
  readonly leaseMs?: number | undefined;
  /** From how many bytes (or characters of JSON) on a value is compressed. Default: never. */
  readonly compressAboveBytes?: number | undefined;
  /** Schemas by family, the part of a key before its first `:`, for reads that have none of their own. */
  readonly schemas?: Readonly<Record<string, ValueSchema<unknown>>> | undefined;
  /** Measures deadlines and durations; values expire by the server's. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
  /** Hears of misses for lack of a server, of dropped values and lost connections. Default: nobody. */
  readonly observer?: Observer | undefined;
}

/** Options with nothing left to decide. */
export interface RedisCacheSettings {
  /** What all keys begin with. */
  readonly namespace: string;
  /** Makes keys of the namespace. */
  readonly keyOf: MakeKey;
  readonly defaultTtlMs: number;
  readonly readTimeoutMs: number;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly failsOpen: boolean;
  readonly maxConcurrentLoads: number;
  readonly leaseMs: number;
  readonly compressAboveBytes: number;
  readonly schemas: ReadonlyMap<string, ValueSchema<unknown>>;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** Checks options; throws a `ValidationError` that names what is wrong. */
export function checkOptions(chosen: RedisCacheOptions): RedisCacheSettings {
  const { namespace = "exchange", defaultTtlMs, compressAboveBytes } = chosen;
  const { whenUnavailable = "miss" } = chosen;
  if (whenUnavailable !== "miss" && whenUnavailable !== "error") {
    const why = `it must be "miss" or "error", got ${showValue(whenUnavailable)}`;
    throw new ValidationError("whenUnavailable", why);
  }
  return {
    namespace,
    keyOf: keysOf(namespace),
    defaultTtlMs: defaultTtlMs === undefined ? Infinity : checkTtl(defaultTtlMs, "defaultTtlMs"),
    readTimeoutMs: checkTimeout(chosen.readTimeoutMs ?? 250, "readTimeoutMs"),
    timeoutMs: checkTimeout(chosen.timeoutMs ?? 2_000, "timeoutMs"),
    connectTimeoutMs: checkTimeout(chosen.connectTimeoutMs ?? 2_000, "connectTimeoutMs"),
    failsOpen: whenUnavailable === "miss",
    maxConcurrentLoads: checkInteger("maxConcurrentLoads", chosen.maxConcurrentLoads ?? 64, {
      min: 1,
    }),
    leaseMs: checkInteger("leaseMs", chosen.leaseMs ?? 2_000, { min: 100, max: 60_000 }),
    compressAboveBytes: compressAboveBytes === undefined
      ? Infinity
      : checkInteger("compressAboveBytes", compressAboveBytes, { min: 0 }),
    schemas: checkSchemas(chosen.schemas ?? {}),
    clock: chosen.clock ?? systemClock,
    observer: safeObserver(chosen.observer ?? silentObserver),
  };
}

function checkSchemas(
  schemas: Readonly<Record<string, ValueSchema<unknown>>>,
): ReadonlyMap<string, ValueSchema<unknown>> {
  for (const [family, schema] of Object.entries(schemas)) {
    try {
      checkSchema(schema ?? null);
    } catch {
      throw new ValidationError(`schemas.${family}`, "it must have a method parse");
    }
  }
  return new Map(Object.entries(schemas));
}
