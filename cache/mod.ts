/**
 * The cache: the port `CacheProvider` with the adapter in memory, the builder of keys, and the rules
 * that an adapter of your own shares with these.
 *
 * @module
 */

export * from "./adapters/memory.ts";
export * from "./cache.ts";
export * from "./cache_key.ts";
export * from "./call_rules.ts";
export * from "./encoded_value.ts";
export * from "./glob.ts";
export * from "./key_rules.ts";
export * from "./single_flight.ts";
export * from "./ttl.ts";
