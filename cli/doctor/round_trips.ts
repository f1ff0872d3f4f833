/** A question to a server, and when it was asked. */
export interface RoundTrip<T> {
  /** By the clock of this machine, in milliseconds since 1970. */
  readonly askedAtMs: number;
  /** Until the answer was there. */
  readonly durationMs: number;
  readonly answer: T;
}

/** Asks as often as told, one time after the other. Rejects as `ask` does. */
export async function roundTrips<T>(
  ask: () => Promise<T>,
  count: number,
): Promise<readonly RoundTrip<T>[]> {
  const trips: RoundTrip<T>[] = [];
  while (trips.length < count) {
    const askedAtMs = Date.now();
    const startMs = performance.now();
    const answer = await ask();
    trips.push({ askedAtMs, durationMs: performance.now() - startMs, answer });
  }
  return trips;
}

/** The median of how long they took, in milliseconds; of an even number the higher one. */
export function medianMs(trips: readonly Pick<RoundTrip<unknown>, "durationMs">[]): number {
  const sorted = trips.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/**
 * How many milliseconds the clock of the server is ahead of that of this machine. The answers are its times; the
 * shortest round trip counts, and its time is taken for that of the middle of it (as in D. Mills, RFC 5905).
 */
export function clockSkewMs(trips: readonly RoundTrip<number>[]): number {
  const shortest = trips.reduce((a, b) => b.durationMs < a.durationMs ? b : a);
  return shortest.answer - (shortest.askedAtMs + shortest.durationMs / 2);
}
