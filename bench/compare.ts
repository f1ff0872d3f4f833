/** One way to do the work that is measured. */
export interface Contender {
  readonly name: string;
  /** Does the work once. */
  readonly run: () => Promise<unknown>;
  /** Prepares for a slot, outside the measurement. */
  readonly before?: () => Promise<unknown>;
}

/** How to measure. */
export interface Plan {
  /** Rounds; in each one every contender gets a slot, in rotated order. */
  readonly rounds: number;
  /** How long a slot lasts, in milliseconds; at least one call is made. */
  readonly slotMs: number;
  /** How many calls are under way at the same time. */
  readonly concurrency: number;
}

/** What a contender achieved. */
export interface Row {
  readonly name: string;
  /** The median over the rounds of the time per call, in milliseconds, divided by the concurrency. */
  readonly msPerCall: number;
  /** The median over the rounds of (speed of this contender / speed of the first one). */
  readonly speedRatio: number;
  /** The smallest and the largest of these ratios. */
  readonly range: readonly [number, number];
}

/** A way to do the work that measures itself, because it is in another process. */
export interface MeasuredContender {
  readonly name: string;
  /** Does the work for a slot; returns the time per call, in milliseconds, divided by the concurrency. */
  readonly measure: (plan: Plan) => Promise<number>;
}

/**
 * Measures contenders in short slots that take turns, and compares within each round: what disturbs
 * the machine disturbs neighbours alike. The first contender is what the others are compared with.
 */
export function compare(contenders: readonly Contender[], plan: Plan): Promise<Row[]> {
  const measured = contenders.map((contender): MeasuredContender => ({
    name: contender.name,
    measure: (plan) => slot(contender, plan),
  }));
  return compareMeasured(measured, plan);
}

/** The same for contenders that measure themselves. */
export async function compareMeasured(
  contenders: readonly MeasuredContender[],
  plan: Plan,
): Promise<Row[]> {
  const times = contenders.map((): number[] => []);
  for (const { measure } of contenders) await measure({ ...plan, slotMs: plan.slotMs / 2 });
  for (let round = 0; round < plan.rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const index = (i + round) % contenders.length;
      const contender = contenders[index];
      if (contender) times[index]?.push(await contender.measure(plan));
    }
  }
  const base = times[0] ?? [];
  return contenders.map(({ name }, index) => {
    const own = times[index] ?? [];
    const ratios = own.map((ms, round) => (base[round] ?? NaN) / ms);
    return {
      name,
      msPerCall: median(own),
      speedRatio: median(ratios),
      range: [Math.min(...ratios), Math.max(...ratios)],
    };
  });
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Does the work again and again for a slot; see {@linkcode MeasuredContender}. */
export async function slot(
  { run, before }: Contender,
  { slotMs, concurrency }: Plan,
): Promise<number> {
  await before?.();
  let calls = 0;
  const start = performance.now();
  const worker = async (): Promise<void> => {
    do {
      await run();
      calls++;
    } while (performance.now() - start < slotMs);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return (performance.now() - start) / calls;
}
