import type { RateLimit, RateLimiter, RateLimitResult } from "../../../cache/rate_limiter.ts";
import type { RateLimitHarness } from "./harness.ts";
import assert from "node:assert/strict";

/** A call. When it was is known up to what a slow store takes to answer. */
interface Call {
  readonly limit: number;
  readonly cost: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * A limit of one key that keeps the exact log of what passed, and holds every answer against it: what the
 * port promises for each call. On a slow store it can miss a mistake, but never sees one that is none.
 */
export class WatchedLimit {
  readonly #harness: RateLimitHarness;
  readonly #limiter: RateLimiter;
  readonly #key: string;
  readonly #rate: RateLimit;
  readonly #stepMs: number;
  readonly #passed: Call[] = [];

  /** Watches what passes through this object, so nothing else may pass. */
  constructor(harness: RateLimitHarness, limiter: RateLimiter, key: string, rate: RateLimit) {
    this.#harness = harness;
    this.#limiter = limiter;
    this.#key = key;
    this.#rate = rate;
    this.#stepMs = Math.ceil(rate.windowMs / 60);
  }

  /** Makes a call, under another limit if one is given, and asserts that the answer is right. */
  async take(cost = 1, limit: number = this.#rate.limit): Promise<RateLimitResult> {
    const fromMs = await this.#harness.now();
    const rate = { ...this.#rate, limit, cost };
    const result = await this.#limiter.checkRateLimit(this.#key, rate);
    const call = { limit, cost, fromMs, toMs: await this.#harness.now() };
    this.#assertAllowed(call, result.allowed);
    this.#assertRetryAfter(call, result);
    if (result.allowed && cost > 0) this.#passed.push(call);
    this.#assertRemaining(call, result.remaining);
    this.#assertResetAt(call, result.resetAt);
    return result;
  }

  /** The same for many calls, one after the other; returns how many passed. */
  async takeMany(count: number): Promise<number> {
    let passed = 0;
    for (let i = 0; i < count; i++) if ((await this.take()).allowed) passed++;
    return passed;
  }

  #assertAllowed(call: Call, allowed: boolean): void {
    if (call.cost === 0) return assert.equal(allowed, true);
    const least = this.#leastAt(call.toMs) + call.cost;
    if (allowed) assert.ok(least <= call.limit, `${least} of ${call.limit} passed in one window`);
    const most = this.#mostAt(call.fromMs) + call.cost;
    if (!allowed) assert.ok(most > call.limit, `refused, and it was ${most} of ${call.limit}`);
  }

  #assertRetryAfter(call: Call, { allowed, retryAfterMs }: RateLimitResult): void {
    if (allowed) return assert.equal(retryAfterMs, 0);
    assert.ok(Number.isInteger(retryAfterMs) && retryAfterMs > 0, `retry after ${retryAfterMs}`);
    const least = this.#leastAt(call.toMs + retryAfterMs) + call.cost;
    assert.ok(least <= call.limit, `${least} of ${call.limit} after ${retryAfterMs} ms`);
    const most = this.#mostAt(call.fromMs + retryAfterMs - 1) + call.cost;
    assert.ok(most > call.limit, `a call could pass before ${retryAfterMs} ms`);
  }

  #assertRemaining({ limit, fromMs, toMs }: Call, remaining: number): void {
    const least = Math.max(0, limit - this.#mostAt(fromMs));
    const most = Math.max(0, limit - this.#leastAt(toMs));
    assert.ok(remaining >= least && remaining <= most, `${remaining}, not ${least} to ${most}`);
  }

  #assertResetAt({ fromMs, toMs }: Call, resetAt: Date): void {
    const { windowMs } = this.#rate;
    const surely = this.#passed.filter((passed) => passed.fromMs + windowMs >= toMs);
    const least = Math.max(fromMs, ...surely.map((passed) => passed.fromMs + windowMs + 1));
    const leaving = this.#passed.map((passed) => passed.toMs + windowMs + this.#stepMs);
    const most = Math.max(toMs, ...leaving.filter((leavesMs) => leavesMs > fromMs));
    const ms = resetAt.getTime();
    assert.ok(ms >= least && ms <= most, `reset at ${ms}, not ${least} to ${most}`);
  }

  /** What passed in the window that ends at `ms`, as far as that is certain. */
  #leastAt(ms: number): number {
    return sum(this.#passed.filter(({ fromMs }) => fromMs + this.#rate.windowMs >= ms));
  }

  /** What passed in the window enlarged by one step that ends at `ms`, as far as that is possible. */
  #mostAt(ms: number): number {
    const longMs = this.#rate.windowMs + this.#stepMs;
    return sum(this.#passed.filter(({ toMs }) => toMs + longMs > ms));
  }
}

function sum(calls: readonly Call[]): number {
  return calls.reduce((total, { cost }) => total + cost, 0);
}
