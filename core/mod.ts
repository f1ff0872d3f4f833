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
export * from "./lifecycle.ts";
export * from "./observer.ts";
export * from "./page.ts";
export * from "./shown_value.ts";
export * from "./validation.ts";
