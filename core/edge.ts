import { ConfigurationError } from "./errors.ts";

/**
 * Whether this is `workerd`, the runtime of Cloudflare Workers: what a request opened, timers too, ends with it, and
 * its files are in memory.
 */
export function isEdge(): boolean {
  // Node has `navigator` since version 21.
  return globalThis.navigator?.userAgent === "Cloudflare-Workers";
}

/**
 * To be called while a module is loaded that cannot work at the edge. Modules of Node are there with `nodejs_compat`,
 * and fail, or lose what they were given, only when they are used.
 *
 * Throws a {@linkcode ConfigurationError} in `workerd`: "Cannot load <module>: <why>; use <instead>".
 */
export function refuseEdge(module: string, why: string, instead: string): void {
  if (isEdge()) throw new ConfigurationError([why, `use ${instead}`], `load ${module}`);
}
