import { type CallOptions, checkCallOptions, type Interruption } from "../core/call_options.ts";
import { CacheError, ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";

/**
 * The first thing every call does: throws a `ValidationError` for a bad `timeoutMs` or `signal`, and a
 * {@linkcode CacheError} with code `aborted` when the signal has fired before anything happened.
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

/** Throws a `ValidationError` unless `loader` can be called. */
export function checkLoader(loader: unknown): void {
  if (typeof loader === "function") return;
  throw new ValidationError("loader", `it must be a function, got ${kindOf(loader)}`);
}

/** Throws a `ValidationError` unless there is no schema, or one that can parse. */
export function checkSchema(schema: unknown): void {
  if (schema === undefined) return;
  if (typeof (schema as { readonly parse?: unknown } | null)?.parse === "function") return;
  throw new ValidationError("schema", `it must have a method parse, got ${kindOf(schema)}`);
}

/** The error for a call that its deadline or its signal ended on the way. */
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

/** The error for every call after `close`. */
export function closedError(operation: string): CacheError {
  return new CacheError(`Cannot use ${operation}: the cache is closed`, {
    code: "closed",
    operation,
  });
}

/** The error for an increment of a value that is not a counter, or whose sum would not be one. */
export function notCountable(operation: string): CacheError {
  return new CacheError("Cannot increment a cached value: it, or the sum, is not a safe integer", {
    code: "conflict",
    operation,
  });
}
