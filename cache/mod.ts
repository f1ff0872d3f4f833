/**
 * The cache: the port `CacheProvider` with the adapter in memory, memory in front of a shared cache, the builder
 * of keys, and the rules that an adapter of your own shares with these.
 *
 * @module
 */

export * from "./adapters/memory.ts";
export * from "./cache.ts";
export * from "../core/redis/redis_url.ts";
export * from "./cache_key.ts";
export * from "./call_rules.ts";
export * from "./early_refresh.ts";
export * from "./encoded_value.ts";
export * from "./frozen_value.ts";
export * from "./glob.ts";
export * from "./invalidate_change.ts";
export * from "./invalidations.ts";
export * from "./key_rules.ts";
export * from "./memory_locks.ts";
export * from "./memory_rate_limits.ts";
export * from "./rate_limiter.ts";
export * from "./read_through.ts";
export * from "./single_flight.ts";
export * from "./tiered.ts";
export * from "./ttl.ts";
export * from "./write_rules.ts";
