import type { ErrorCode, InfrastructureError } from "../errors.ts";
import type { RedisArea } from "./redis_area.ts";
import { type FailedCommand, toRedisError } from "./redis_error.ts";

/** What a status means that says so itself. */
const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "permission_denied",
  408: "unavailable",
  429: "overloaded",
};

/** An answer that is no reply. */
export class HttpFailure extends Error {
  /** What it means. */
  readonly code: ErrorCode;
  /** Whether it is certain that nothing was carried out. */
  readonly refused: boolean;

  /** Creates one; `why` shows nothing of what was sent or received. */
  constructor(why: string, code: ErrorCode, refused: boolean) {
    super(why);
    this.code = code;
    this.refused = refused;
  }
}

/** An answer with a status that is not that of a reply. */
export function statusFailure(status: number): HttpFailure {
  const code = STATUS_CODES[status] ?? (status >= 500 ? "unavailable" : "internal");
  return new HttpFailure(`the server answered with status ${status}`, code, code !== "unavailable");
}

/** An answer that cannot be understood: it is not from the server, or the server speaks something else. */
export function malformedFailure(why: string): HttpFailure {
  return new HttpFailure(`the answer ${why}`, "unavailable", false);
}

/** The area's error for a request that failed; see {@linkcode toRedisError}. */
export function toHttpError(
  area: RedisArea,
  error: unknown,
  failed: FailedCommand,
): InfrastructureError {
  // What `fetch` rejects with has the system's code in its cause, if anywhere.
  if (!(error instanceof HttpFailure)) return toRedisError(area, causeOf(error), failed);
  const { message, code, refused } = error;
  const { operation, mayHaveRun } = failed;
  return new area.errorClass(`Cannot finish ${operation}: ${message}`, {
    code,
    operation,
    retryable: code === "unavailable" || code === "overloaded",
    outcome: mayHaveRun && !refused ? "unknown" : "not-applied",
  });
}

function causeOf(error: unknown): unknown {
  return error instanceof TypeError ? error.cause ?? error : error;
}
