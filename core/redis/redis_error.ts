import type { Interruption } from "../call_options.ts";
import { type ErrorCode, InfrastructureError } from "../errors.ts";
import type { RedisArea } from "./redis_area.ts";

/** What the code at the beginning of an error reply means. */
const REPLY_CODES: Readonly<Record<string, ErrorCode>> = {
  OOM: "resource_exhausted",
  NOAUTH: "unauthenticated",
  WRONGPASS: "unauthenticated",
  NOPERM: "permission_denied",
  WRONGTYPE: "conflict",
  BUSY: "unavailable",
  CLUSTERDOWN: "unavailable",
  LOADING: "unavailable",
  MASTERDOWN: "unavailable",
  MISCONF: "unavailable",
  NOREPLICAS: "unavailable",
  READONLY: "unavailable",
  TRYAGAIN: "unavailable",
};

/** What to do about replies that do not say it. */
const HINTS: Readonly<Record<string, string>> = {
  MOVED: ", it belongs to a cluster, which has to be given as `cluster`",
};

/** Replies of a server that another connection may not get: its role has changed, or it is starting. */
const ELSEWHERE = new Set(["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN"]);

/** What is known about a command that failed. */
export interface FailedCommand {
  /** The public call that it was for. */
  readonly operation: string;
  /** Whether it may have reached the server and changed something there. */
  readonly mayHaveRun: boolean;
}

/** An error reply that the library has read itself, like the client's. */
export class ErrorReply extends Error {}

/** The codes of the error replies that errors of the library are made of. */
const replies = new WeakMap<object, string>();

/**
 * The area's error for what the client threw. An error reply is told by its code, the first word, and means that
 * nothing was changed; anything else means that the connection broke. The client's own error is not the
 * `cause`: it can hold the URL with the password.
 */
export function toRedisError(
  area: RedisArea,
  error: unknown,
  { operation, mayHaveRun }: FailedCommand,
): InfrastructureError {
  if (error instanceof InfrastructureError) return error;
  const reply = replyCode(error);
  if (reply !== undefined) return replyError(area, reply, operation);
  return new area.errorClass(`Cannot finish ${operation}: ${connectionProblem(error)}`, {
    code: "unavailable",
    operation,
    retryable: true,
    outcome: mayHaveRun ? "unknown" : "not-applied",
  });
}

/**
 * The area's error for a connection to `target` that could not be made. A server that has no room for one more
 * client tells that by text only, so a reason without a code of its own is one that may pass.
 */
export function toConnectError(
  area: RedisArea,
  error: unknown,
  operation: string,
  target: string,
): InfrastructureError {
  const reply = error instanceof InfrastructureError ? undefined : replyCode(error);
  const { message, code, retryable, outcome } = reply === undefined
    ? toRedisError(area, error, { operation, mayHaveRun: false })
    : replyError(area, reply, operation, "unavailable");
  return new area.errorClass(`${message}, tried ${target}`, {
    code,
    operation,
    retryable,
    outcome,
  });
}

/** The area's error for a call that its deadline or its signal ended on the way. */
export function interruptedError(
  { errorClass }: RedisArea,
  operation: string,
  interruption: Interruption,
): InfrastructureError {
  const why = interruption.kind === "timeout"
    ? `it did not settle within ${interruption.timeoutMs} ms`
    : "the caller's signal aborted";
  return new errorClass(`Cannot finish ${operation}: ${why}`, {
    code: interruption.kind,
    operation,
    retryable: interruption.kind === "timeout",
    outcome: "unknown",
  });
}

/** The area's error for a call whose connection was given up while it waited for the reply. */
export function lostError({ errorClass }: RedisArea, operation: string): InfrastructureError {
  return new errorClass(`Cannot finish ${operation}: the connection was given up`, {
    code: "unavailable",
    operation,
    retryable: true,
    outcome: "unknown",
  });
}

/** The area's error for a call above those whose replies have not come. */
export function overloadedError(
  { errorClass }: RedisArea,
  operation: string,
  pending: number,
): InfrastructureError {
  return new errorClass(`Cannot start ${operation}: ${pending} replies have not come yet`, {
    code: "overloaded",
    operation,
    retryable: true,
  });
}

/** The area's error for every call after the end. */
export function closedError(area: RedisArea, operation: string): InfrastructureError {
  return new area.errorClass(`Cannot use ${operation}: the ${area.subject} is closed`, {
    code: "closed",
    operation,
  });
}

/** `otherwise` is what a reply means that has no code of its own. The server has changed nothing. */
function replyError(
  area: RedisArea,
  reply: string,
  operation: string,
  otherwise: ErrorCode = "internal",
): InfrastructureError {
  const code = REPLY_CODES[reply] ?? otherwise;
  const error = new area.errorClass(
    `Cannot finish ${operation}: the server replied ${reply}${HINTS[reply] ?? ""}`,
    { code, operation, retryable: code === "unavailable" },
  );
  replies.set(error, reply);
  return error;
}

/** The code of an error reply, such as `WRONGTYPE`; `undefined` for an error of the connection. */
export function replyCode(error: unknown): string | undefined {
  if (error instanceof InfrastructureError) return replies.get(error);
  // By name, because a client that was passed in may come from another copy of the package.
  const name = (error as { constructor?: { name?: unknown } } | null)?.constructor?.name;
  if (name !== "SimpleError" && name !== "BlobError" && name !== "ErrorReply") return undefined;
  return /^[A-Z]+/.exec((error as Error).message)?.[0] ?? "ERR";
}

/** Whether a new connection may lead to a server that can do it. */
export function isElsewhere(error: unknown): boolean {
  return ELSEWHERE.has(replyCode(error) ?? "");
}

/** The system's code, such as `ECONNREFUSED`, which has no secret in it. */
function connectionProblem(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^[A-Z_]+$/.test(code)
    ? `the connection failed with ${code}`
    : "the connection broke or could not be made";
}

const UNAVAILABLE: ReadonlySet<string> = new Set<ErrorCode>([
  "unavailable",
  "timeout",
  "overloaded",
  "unauthenticated",
]);

/** Whether the error says that the server could not be asked, rather than what it thinks of the command. */
export function isUnavailable(error: unknown): error is InfrastructureError {
  return error instanceof InfrastructureError && UNAVAILABLE.has(error.code);
}
