import { ValidationError } from "./errors.ts";
import { isPrintable } from "./printable_text.ts";

/** W3C Trace Context: https://www.w3.org/TR/trace-context/. */
export interface TraceContext {
  /** Whose trace it is. */
  readonly traceparent?: string | undefined;
  /** What vendors add; not without `traceparent`. */
  readonly tracestate?: string | undefined;
}

// 3.2: version ff and ids of zeros only are invalid.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Whether `value` is a `traceparent`. */
export function isTraceparent(value: unknown): value is string {
  return typeof value === "string" && TRACEPARENT.test(value);
}

/** Whether `value` can stand as `tracestate` beside a `traceparent`. */
export function isTracestate(value: unknown): value is string {
  return isPrintable(value, 512);
}

/** Throws a {@linkcode ValidationError} that names what is malformed. */
export function checkTraceContext({ traceparent, tracestate }: TraceContext): void {
  if (traceparent !== undefined && !isTraceparent(traceparent)) {
    throw new ValidationError("traceparent", "it must be as W3C Trace Context says");
  }
  if (tracestate === undefined) return;
  if (!isTracestate(tracestate)) {
    throw new ValidationError("tracestate", "it must have 1 to 512 printable ASCII characters");
  }
  if (traceparent === undefined) {
    throw new ValidationError("tracestate", "it means nothing without traceparent");
  }
}
