/** What decides whether a value is loaded again before it expires. */
export interface RefreshCandidate {
  /** Milliseconds until it expires. */
  readonly leftMs: number;
  /** How long its load took, in milliseconds. */
  readonly loadMs: number;
  /** β: 1 is the optimum, more is earlier, 0 is never. */
  readonly eagerness: number;
}

/**
 * Whether this reader is to load the value again: XFetch of A. Vattani, F. Chierichetti, K. Lowenstein,
 * "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015, figure 3: when
 * `now - loadMs * β * ln(random) >= expiry`, `random` uniform in (0, 1]. Each reader decides alone,
 * the likelier for yes the nearer the expiry and the longer the load.
 *
 * ```ts
 * import { isRefreshDue } from "@benchmark-exchange/infrastructure/cache";
 *
 * // A board that took half a second to load expires in a second: 13.5 % of reads load it.
 * const board = { leftMs: 1_000, loadMs: 500, eagerness: 1 };
 * console.log(isRefreshDue(board, () => 0.5)); // false
 * console.log(isRefreshDue(board, () => 0.9)); // true
 * console.log(isRefreshDue({ ...board, eagerness: 0 }, () => 0.9)); // false
 * ```
 */
export function isRefreshDue(
  { leftMs, loadMs, eagerness }: RefreshCandidate,
  random: () => number = Math.random,
): boolean {
  if (eagerness === 0 || leftMs === Infinity) return false;
  return -loadMs * eagerness * Math.log(1 - random()) >= leftMs;
}
