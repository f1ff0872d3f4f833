import { type CallOptions, settleWithin } from "./call_options.ts";
import { InfrastructureError } from "./errors.ts";
import { systemClock } from "./clock.ts";

/** A part that can say whether it works. */
export interface HealthCheck {
  /** The name in the report, such as `database`. */
  readonly name: string;
  /** Resolves with what is worth showing (never a secret), or rejects with why it does not work. */
  check(options: CallOptions): Promise<Record<string, unknown>>;
}

/** What one part said. */
export interface HealthResult {
  /** The name of the part. */
  readonly name: string;
  /** Whether the part works. */
  readonly healthy: boolean;
  /** How long the answer took, in milliseconds. */
  readonly latencyMs: number;
  /** What the part had to show. */
  readonly details?: Record<string, unknown>;
  /** Why it does not work. */
  readonly error?: string;
}

/** What every part said. */
export interface HealthReport {
  /** Whether every part works. */
  readonly healthy: boolean;
  /** One result for each part, in the given order. */
  readonly parts: readonly HealthResult[];
}

/**
 * Asks every part at once. Never rejects: a part that fails or does not answer within `timeoutMs`
 * (default 2,000) is unhealthy in the report.
 *
 * ```ts
 * import { checkHealth } from "@benchmark-exchange/infrastructure/core";
 * import { MemoryCacheProvider } from "@benchmark-exchange/infrastructure/cache/memory";
 *
 * const cache = new MemoryCacheProvider();
 * const { healthy, parts } = await checkHealth([
 *   { name: "cache", check: (options) => cache.health(options) },
 *   { name: "grader", check: () => Promise.reject(new Error("no worker is up")) },
 * ], { timeoutMs: 500 });
 * console.log(healthy); // false
 * console.log(parts.map((part) => part.error ?? part.name)); // [ "cache", "no worker is up" ]
 * await cache.close();
 * ```
 */
export async function checkHealth(
  checks: readonly HealthCheck[],
  options: CallOptions = {},
): Promise<HealthReport> {
  const parts = await Promise.all(checks.map((check) => checkOne(check, options)));
  return { healthy: parts.every((part) => part.healthy), parts };
}

async function checkOne(part: HealthCheck, options: CallOptions): Promise<HealthResult> {
  const startMs = systemClock.monotonic();
  const elapsed = (): number => Math.round((systemClock.monotonic() - startMs) * 1000) / 1000;
  try {
    const details = await settleWithin(
      part.check(options),
      { ...options, defaultTimeoutMs: 2_000 },
      (interruption) =>
        new InfrastructureError(`Cannot check ${part.name}: ${interruption.kind}`, {
          code: interruption.kind,
          operation: "checkHealth",
        }),
    );
    return { name: part.name, healthy: true, latencyMs: elapsed(), details };
  } catch (error) {
    const text = error instanceof Error ? error.message : "it failed";
    return { name: part.name, healthy: false, latencyMs: elapsed(), error: text };
  }
}
