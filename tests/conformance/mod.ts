/**
 * What every adapter of a port has to pass, for your own adapters too: each suite takes the `test` of any
 * runner and a harness that opens what is tested.
 *
 * @module
 */

export * from "./benchmarks.ts";
export * from "./cache.ts";
export * from "./database.ts";
export * from "./database_harness.ts";
export * from "./locks.ts";
export * from "./manual_clock.ts";
export * from "./messaging.ts";
export * from "./organizations.ts";
export * from "./rate_limits.ts";
export * from "./storage.ts";
export * from "./streams.ts";
export * from "./submissions.ts";
export * from "./test_fn.ts";
export * from "./users.ts";
