import { ConfigurationError } from "./errors.ts";

/**
 * Whether this is the edge, `workerd`, the runtime of Cloudflare Workers: what a request opens there, also timers, ends
 * with it, and files are nowhere but in memory.
 */
export function isEdge(): boolean {
  // Node has `navigator` since version 21.
  return globalThis.navigator?.userAgent === "Cloudflare-Workers";
}

/**
 * To be called while a module is loaded that cannot work at the edge: with `nodejs_compat` the edge has modules of Node
 * for it, which fail, or lose what they are given, only when they are used.
 *
 * Throws a {@linkcode ConfigurationError} at the edge: "Cannot use <what> in workerd: <why>; <instead>".
 */
export function refuseEdge(what: string, why: string, instead: string): void {
  if (isEdge()) throw new ConfigurationError([why, instead], `use ${what} in workerd`);
}

/** {@linkcode refuseEdge} for a module that keeps connections to a server. */
export function refuseEdgeConnections(server: string, instead: string): void {
  const why = "each ends there with the request that opened it";
  refuseEdge(`connections to ${server}`, why, instead);
}
