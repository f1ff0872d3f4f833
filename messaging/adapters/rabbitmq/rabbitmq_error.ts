import { type ErrorCode, MessagingError, type Outcome } from "../../../core/errors.ts";

/** What the reply codes of AMQP 0-9-1 mean, by which a server closes a channel or a connection. */
const REPLY_CODES: Readonly<Record<number, ErrorCode>> = {
  311: "resource_exhausted",
  320: "unavailable",
  403: "permission_denied",
  404: "not_found",
  405: "conflict",
  406: "conflict",
  506: "resource_exhausted",
  530: "permission_denied",
};

/** What is known about a call that failed. */
export interface FailedCall {
  /** The public call. */
  readonly operation: string;
  /** Whether it may have changed something. */
  readonly outcome: Outcome;
}

/**
 * The {@linkcode MessagingError} for what the client threw. A reply of the server is told by its code; anything
 * else means that the connection broke. The error of the client is not the `cause`: it can show what was sent.
 */
export function toMessagingError(
  error: unknown,
  { operation, outcome }: FailedCall,
): MessagingError {
  if (error instanceof MessagingError) return error;
  const reply = replyCode(error);
  const code = reply === undefined ? "unavailable" : REPLY_CODES[reply] ?? "internal";
  const why = reply === undefined ? connectionProblem(error) : `the server replied ${reply}`;
  return new MessagingError(`Cannot ${operation}: ${why}`, {
    code,
    operation,
    outcome,
    retryable: code === "unavailable" || code === "resource_exhausted",
  });
}

/** The {@linkcode MessagingError} for a connection to `target`, `host:port`, that could not be made. */
export function toConnectError(error: unknown, operation: string, target: string): MessagingError {
  const refusal = error instanceof MessagingError ? undefined : refusalOf(error);
  const { code, message, retryable } = toMessagingError(error, {
    operation,
    outcome: "not-applied",
  });
  return new MessagingError(`${refusal?.text(operation) ?? message}, tried ${target}`, {
    code: refusal?.code ?? code,
    operation,
    retryable: refusal ? false : retryable,
  });
}

/** The code by which the server closed a channel or a connection; `undefined` for what is none. */
export function replyCode(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "number" && code >= 300 && code < 600 ? code : undefined;
}

interface Refusal {
  readonly code: ErrorCode;
  readonly text: (operation: string) => string;
}

/** While a connection opens, the client has a refusal of the server in the text of its error only. */
function refusalOf(error: unknown): Refusal | undefined {
  const text = error instanceof Error ? error.message : "";
  if (/^Handshake terminated by server: 403 /.test(text)) {
    const why = "the server refused user or password";
    return { code: "unauthenticated", text: (operation) => `Cannot ${operation}: ${why}` };
  }
  if (text.startsWith("Expected ConnectionOpenOk; got <ConnectionClose ")) {
    const why = "the virtual host does not exist, or the user may not use it";
    return { code: "permission_denied", text: (operation) => `Cannot ${operation}: ${why}` };
  }
  return undefined;
}

/** The code of the system, such as `ECONNREFUSED`, which has no secret in it. */
function connectionProblem(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^[A-Z_]+$/.test(code)
    ? `the connection failed with ${code}`
    : "the connection broke or could not be made";
}
