import { type CallOptions, checkCallOptions, type Interruption } from "../core/call_options.ts";
import { CacheError, ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";

/**
 * The first thing every call does: throws a `ValidationError` for a bad `timeoutMs` or `signal`, and a
 * {@linkcode CacheError} with code `aborted` when the signal has fired before anything happened.
 *
 * ```ts
 * import { checkCall } from "@benchmark-exchange/infrastructure/cache";
 * import { CacheError, type CallOptions } from "@benchmark-exchange/infrastructure/core";
 *
 * const boards = new Map([["leaderboard:123", ["first"]]]);
 * function get(key: string, options?: CallOptions): string[] | undefined {
 *   checkCall("CacheProvider.get", options);
 *   return boards.get(key);
 * }
 * try {
 *   get("leaderboard:123", { signal: AbortSignal.abort() });
 * } catch (error) {
 *   console.log(error instanceof CacheError && error.code); // "aborted"
 * }
 * ```
 */
export function checkCall(operation: string, options: CallOptions | undefined): void {
  if (options === undefined) return;
  checkCallOptions(options);
  if (!options.signal?.aborted) return;
  throw new CacheError(`Cannot start ${operation}: the caller's signal has aborted`, {
    code: "aborted",
    operation,
  });
}

/**
 * Throws a `ValidationError` unless `loader` can be called.
 *
 * ```ts
 * import { checkLoader } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * checkLoader(() => Promise.resolve({ name: "HumanEval" })); // fine
 * try {
 *   checkLoader(Promise.resolve({ name: "HumanEval" })); // has begun already
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "loader"
 * }
 * ```
 */
export function checkLoader(loader: unknown): void {
  if (typeof loader === "function") return;
  throw new ValidationError("loader", `it must be a function, got ${kindOf(loader)}`);
}

/**
 * Throws a `ValidationError` unless there is no schema, or one that can parse.
 *
 * ```ts
 * import { checkSchema } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * checkSchema(undefined); // fine: the caller did not give one
 * checkSchema({ parse: (value: unknown) => String(value) }); // fine, as every zod schema is
 * try {
 *   checkSchema((value: unknown) => String(value));
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "schema"
 * }
 * ```
 */
export function checkSchema(schema: unknown): void {
  if (schema === undefined) return;
  if (typeof (schema as { readonly parse?: unknown } | null)?.parse === "function") return;
  throw new ValidationError("schema", `it must have a method parse, got ${kindOf(schema)}`);
}

/**
 * The error for a call that its deadline or its signal ended on the way.
 *
 * ```ts
 * import { interruptedError } from "@benchmark-exchange/infrastructure/cache";
 * import { settleWithin } from "@benchmark-exchange/infrastructure/core";
 *
 * const noAnswer = new Promise<string>(() => {});
 * const call = { timeoutMs: 5, defaultTimeoutMs: 1_000 };
 * await settleWithin(noAnswer, call, (why) => interruptedError("CacheProvider.get", why))
 *   .catch((error) => console.log(error.message));
 * // Cannot finish CacheProvider.get: it did not settle within 5 ms
 * ```
 */
export function interruptedError(operation: string, interruption: Interruption): CacheError {
  const why = interruption.kind === "timeout"
    ? `it did not settle within ${interruption.timeoutMs} ms`
    : "the caller's signal aborted";
  return new CacheError(`Cannot finish ${operation}: ${why}`, {
    code: interruption.kind,
    operation,
    retryable: interruption.kind === "timeout",
    outcome: "unknown",
  });
}

/**
 * The error for every call after `close`.
 *
 * ```ts
 * import { closedError } from "@benchmark-exchange/infrastructure/cache";
 *
 * let closed = false;
 * function exists(key: string): boolean {
 *   if (closed) throw closedError("CacheProvider.exists");
 *   return key === "benchmark:123";
 * }
 * console.log(exists("benchmark:123")); // true
 * closed = true; // from now on it throws with code "closed"
 * ```
 */
export function closedError(operation: string): CacheError {
  return new CacheError(`Cannot use ${operation}: the cache is closed`, {
    code: "closed",
    operation,
  });
}

/**
 * The error for an increment of a value that is not a counter, or whose sum would not be one.
 *
 * ```ts
 * import { notCountable } from "@benchmark-exchange/infrastructure/cache";
 *
 * function add(stored: unknown, by: number): number {
 *   const sum = Number.isSafeInteger(stored) ? Number(stored) + by : NaN;
 *   if (Number.isSafeInteger(sum)) return sum;
 *   throw notCountable("CacheProvider.increment"); // with code "conflict"
 * }
 * console.log(add(41, 1)); // 42
 * ```
 */
export function notCountable(operation: string): CacheError {
  return new CacheError("Cannot increment a cached value: it, or the sum, is not a safe integer", {
    code: "conflict",
    operation,
  });
}
