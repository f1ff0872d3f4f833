import type { CheckedRate } from "./rate_limit_rules.ts";
import type { RateLimitResult } from "./rate_limiter.ts";

/** What passed in one step of a window. */
interface PassedStep {
  /** From when on it does not count. */
  readonly leavesAtMs: number;
  count: number;
}

/** How long the steps of a window are in which a `RateLimiter` counts. They begin at the Unix epoch. */
export function rateStepMs(windowMs: number): number {
  return Math.ceil(windowMs / 60);
}

/** What has passed in the sliding window of one key; the rules are those of `RateLimiter`. */
export class RateLimitWindow {
  readonly #windowMs: number;
  /** In the order in which they leave. */
  readonly #steps: PassedStep[] = [];
  #passed = 0;

  /** Creates an empty one. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Whether nothing counts any more at `nowMs`. */
  isEmpty(nowMs: number): boolean {
    this.#forget(nowMs);
    return this.#steps.length === 0;
  }

  /** Takes the cost if that much is left at `nowMs`. */
  take({ limit, cost }: Pick<CheckedRate, "limit" | "cost">, nowMs: number): RateLimitResult {
    this.#forget(nowMs);
    // What passed can be above the limit, which may have been greater before.
    const excess = cost === 0 ? 0 : Math.max(0, this.#passed + cost - limit);
    const retryAfterMs = excess === 0 ? 0 : this.#leftAtMs(excess) - nowMs;
    if (excess === 0 && cost > 0) this.#count(cost, nowMs);
    return {
      allowed: excess === 0,
      remaining: Math.max(0, limit - this.#passed),
      resetAt: new Date(this.#steps.at(-1)?.leavesAtMs ?? nowMs),
      retryAfterMs,
    };
  }

  #forget(nowMs: number): void {
    for (let oldest = this.#steps[0]; oldest; oldest = this.#steps[0]) {
      if (nowMs < oldest.leavesAtMs) return;
      this.#passed -= oldest.count;
      this.#steps.shift();
    }
  }

  /** When so many of the oldest steps have left that `amount` does not count any more. */
  #leftAtMs(amount: number): number {
    let left = 0;
    return this.#steps.find(({ count }) => (left += count) >= amount)!.leavesAtMs;
  }

  #count(cost: number, nowMs: number): void {
    const stepMs = rateStepMs(this.#windowMs);
    const leavesAtMs = nowMs - nowMs % stepMs + stepMs + this.#windowMs;
    // Mostly the last one, but a clock can be set back.
    const index = this.#steps.findLastIndex((step) => step.leavesAtMs <= leavesAtMs);
    const step = this.#steps[index];
    if (step?.leavesAtMs === leavesAtMs) step.count += cost;
    else this.#steps.splice(index + 1, 0, { leavesAtMs, count: cost });
    this.#passed += cost;
  }
}
