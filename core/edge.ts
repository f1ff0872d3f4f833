import { ConfigurationError } from "./errors.ts";

const PACKAGE = "@benchmark-exchange/infrastructure";

/**
 * Whether this is the edge, `workerd`, the runtime of Cloudflare Workers: what a request opens there, also timers, ends
 * with it, and files are nowhere but in memory.
 */
export function isEdge(): boolean {
  // Node has `navigator` since version 21.
  return globalThis.navigator?.userAgent === "Cloudflare-Workers";
}

/**
 * Says that a module of the package cannot work at the edge, to be called while it is loaded: with `nodejs_compat`
 * the edge has modules of Node for it, which fail, or lose what they are given, when they are used.
 *
 * Throws a {@linkcode ConfigurationError} at the edge: "Cannot use …/<subpath> in workerd: <why>; <instead>".
 */
export function refuseEdge(subpath: string, why: string, instead: string): void {
  if (!isEdge()) return;
  throw new ConfigurationError([why, instead], `use ${PACKAGE}/${subpath} in workerd`);
}

/** {@linkcode refuseEdge} for a module that keeps connections open. */
export function refuseEdgeSockets(subpath: string, instead: string): void {
  refuseEdge(subpath, "a connection ends there with the request that opened it", instead);
}
