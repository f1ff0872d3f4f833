/**
 * The mechanisms that every area shares: errors, deadlines, validation, time, health.
 *
 * @module
 */

export * from "./backoff.ts";
export * from "./call_options.ts";
export * from "./clock.ts";
export * from "./environment.ts";
export * from "./errors.ts";
export * from "./health.ts";
export * from "./json.ts";
export * from "./lease.ts";
export * from "./lifecycle.ts";
export * from "./lock.ts";
export * from "./lock_error.ts";
export * from "./lock_rules.ts";
export * from "./observer.ts";
export * from "./page.ts";
export * from "./resilience/bulkhead.ts";
export * from "./run_with_lock.ts";
export * from "./shown_value.ts";
export * from "./validation.ts";
