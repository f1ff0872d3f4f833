import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { type ErrorCode, InfrastructureError, MessagingError } from "../../../core/errors.ts";

/** What is known about a request that failed. */
export interface FailedRequest {
  /** The public call that it was for. */
  readonly operation: string;
  /** Whether it may have reached the server and changed something there. */
  readonly mayHaveRun: boolean;
}

/** What the `err_code` of a JetStream answer means (server/errors.json of nats-server). */
const API_CODES: Readonly<Record<number, ErrorCode>> = {
  10014: "not_found", // no consumer
  10037: "not_found", // no message
  10059: "not_found", // no stream
  10039: "unsupported", // not for this account
  10076: "unsupported", // not on this server
  10054: "invalid_input", // larger than the stream takes
  10058: "conflict", // a stream of this name with other settings
  10060: "conflict", // another stream has the subject
  10065: "conflict", // subjects overlap
  10023: "resource_exhausted",
  10026: "resource_exhausted", // consumers
  10027: "resource_exhausted", // streams
  10028: "resource_exhausted", // memory
  10047: "resource_exhausted", // storage
  10077: "resource_exhausted", // the stream is full
};

/** `err_code` when something that is to be created exists with other settings. */
const EXISTS: ReadonlySet<number> = new Set([10058, 10013, 10012, 10105, 10148]);

/** Whether a request was answered that nobody listens for it: there is no stream with the subject, or no leader. */
export function isUnheard(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  const cause = (error as { cause?: unknown } | null)?.cause;
  return cause !== undefined && cause !== error && isUnheard(cause);
}

/** Whether the answer was that the stream, consumer or message is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof MessagingError
    ? error.code === "not_found"
    : error instanceof JetStreamApiError && error.status === 404;
}

/** Whether the answer was that it is there already, with other settings. */
export function isTaken(error: unknown): boolean {
  return error instanceof JetStreamApiError && EXISTS.has(error.code);
}

/**
 * The {@linkcode MessagingError} for what the client threw. The client's own error is not the `cause`, because it can
 * hold what was sent.
 */
export function toMessagingError(
  error: unknown,
  { operation, mayHaveRun }: FailedRequest,
): InfrastructureError {
  if (error instanceof InfrastructureError) return error;
  const { code, why } = meaningOf(error);
  // An answer of the server, and a request that nobody heard, changed nothing.
  const outcome = mayHaveRun && (code === "timeout" || code === "unavailable") && !isAnswer(error)
    ? "unknown"
    : "not-applied";
  return new MessagingError(`Cannot ${operation}: ${why}`, {
    code,
    operation,
    outcome,
    retryable: code === "unavailable" || code === "timeout" || code === "resource_exhausted",
  });
}

interface Meaning {
  readonly code: ErrorCode;
  readonly why: string;
}

function meaningOf(error: unknown): Meaning {
  if (error instanceof JetStreamApiError) {
    const code = API_CODES[error.code] ?? (error.status === 503 ? "unavailable" : "internal");
    return { code, why: `the server answered ${error.status}, error ${error.code}` };
  }
  if (isUnheard(error)) {
    return { code: "unavailable", why: "no stream, or no leader of it, was there to answer" };
  }
  const { name, code } = withCause(error, isKnown) as { name?: string; code?: unknown };
  const known = CLIENT_ERRORS[name ?? ""];
  if (known) return known;
  const detail = typeof code === "string" && /^[A-Z_]+$/.test(code) ? ` with ${code}` : "";
  return { code: "unavailable", why: `the connection broke or could not be made${detail}` };
}

const BROKEN: Meaning = { code: "unavailable", why: "the connection broke or could not be made" };

/** What the errors of the client mean, by their names: those that it wraps can be of another copy of it. */
const CLIENT_ERRORS: Readonly<Record<string, Meaning>> = {
  TimeoutError: { code: "timeout", why: "the server did not answer in time" },
  AuthorizationError: { code: "unauthenticated", why: "the server refused the login" },
  UserAuthenticationExpiredError: { code: "unauthenticated", why: "the login has expired" },
  PermissionViolationError: {
    code: "permission_denied",
    why: "the server does not permit the subject",
  },
  InvalidArgumentError: { code: "invalid_input", why: "the client refused an argument" },
  ClosedConnectionError: BROKEN,
  DrainingConnectionError: BROKEN,
};

function isKnown(error: { name?: string; code?: unknown }): boolean {
  return CLIENT_ERRORS[error.name ?? ""] !== undefined ||
    (typeof error.code === "string" && error.code !== "");
}

/** The first of the error and its causes that is so, or else the error. */
function withCause(error: unknown, isSo: (error: { name?: string }) => boolean): object {
  for (let one = error, depth = 0; typeof one === "object" && one && depth < 5; depth++) {
    if (isSo(one)) return one;
    one = (one as { cause?: unknown }).cause;
  }
  return Object(error);
}

function isAnswer(error: unknown): boolean {
  return error instanceof JetStreamApiError || isUnheard(error);
}
