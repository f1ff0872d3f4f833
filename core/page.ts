/** One page of a list. */
export interface Page<T> {
  /** The items, in the order of the list. */
  readonly items: readonly T[];
  /** Give it to the next call to go on after the last item; absent on the last page. */
  readonly nextCursor?: string;
  /** How many items match in all, where the call asked for it. */
  readonly total?: number;
}

/** Where a page starts and how long it is. */
export interface PageRequest {
  /** `nextCursor` of the page before. Default: the first page. */
  readonly cursor?: string;
  /** 1 to 1,000 items. Default: 50. */
  readonly limit?: number;
  /** Whether to count all matches, at the cost of reading them. Default: `false`. */
  readonly withTotal?: boolean;
}
