/**
 * The things of a benchmark exchange and their rules.
 *
 * @module
 */

export * from "./benchmark.ts";
export * from "./events.ts";
export * from "./ids.ts";
export * from "./organization.ts";
export * from "./submission.ts";
export * from "./user.ts";
export * from "./version.ts";
