import {
  DatabaseError,
  type ErrorCode,
  InfrastructureError,
  type Outcome,
} from "../core/errors.ts";

/** What was going on when a driver failed. */
export interface FailureContext {
  /** The public call. */
  readonly operation: string;
  /** Whether the failed step can have changed anything if its reply was lost. */
  readonly outcomeIfLost: Outcome;
  /** Whether the connection still works: an error without a code is then about a value. Default: `false`. */
  readonly connected?: boolean;
}

/** The fields that PostgreSQL clients put on an error. Messages and details hold values: not read. */
interface ServerFields {
  readonly code?: unknown;
  readonly constraint?: unknown;
  readonly table?: unknown;
  readonly column?: unknown;
}

/** SQLSTATEs that need a code of their own; the rest goes by class. */
const BY_STATE: Readonly<Record<string, ErrorCode>> = {
  "23505": "already_exists",
  "25006": "permission_denied",
  "25P02": "conflict",
  "25P03": "timeout",
  "25P04": "timeout",
  "28000": "unauthenticated",
  "28P01": "unauthenticated",
  "3D000": "configuration_invalid",
  "40001": "transaction_conflict",
  "40P01": "transaction_conflict",
  "42501": "permission_denied",
  "53300": "overloaded",
  "55P03": "timeout",
  "57014": "timeout",
};

const BY_CLASS: Readonly<Record<string, ErrorCode>> = {
  "08": "unavailable",
  "0A": "unsupported",
  "22": "invalid_input",
  "23": "constraint_violated",
  "53": "resource_exhausted",
  "54": "invalid_input",
  "57": "unavailable",
  "58": "unavailable",
};

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(
  ["transaction_conflict", "unavailable", "overloaded"] satisfies ErrorCode[],
);

/** Sentences for people; `%` stands for what the constraint or column is about. */
const REASONS: Readonly<Record<string, string>> = {
  "08P01": "the server, or a pooler before it, refused the settings of the session or a message",
  "23502": "% is missing",
  "23503": "% refers to something that does not exist, or is still referred to",
  "23505": "duplicate %",
  "23514": "% is not allowed",
  "25006": "the transaction or the server is read-only",
  "25P02": "an earlier statement of the transaction failed; use a nested transaction to go on",
  "25P03": "the transaction was idle for too long",
  "28000": "the server refused the user",
  "28P01": "wrong password or unknown user",
  "3D000": "the database does not exist",
  "40001": "a concurrent transaction changed the same data",
  "40P01": "a deadlock with a concurrent transaction was broken",
  "42P01": "a table is missing; run the migrations",
  "42703": "a column is missing; run the migrations",
  "53100": "the disk of the server is full",
  "53300": "the server has no connection left",
  "55P03": "a lock was not available in time",
  "57014": "the statement was cancelled or ran into its timeout",
  "57P01": "the server ended the connection",
  "57P03": "the server is starting up or shutting down",
};

/** What some checks are for, by the end of their name. */
const CHECK_REASONS: Readonly<Record<string, string>> = {
  _immutable_check: "what was published or submitted cannot be changed",
  _range_check: "% is outside the range of its metric",
};

const NETWORK_REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the certificate of the server has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate of the server is not trusted",
  EAI_AGAIN: "the host name cannot be resolved now",
  ECONNREFUSED: "the server refused the connection; it is down, or the port is wrong",
  ECONNRESET: "the connection was reset",
  EHOSTUNREACH: "the host cannot be reached",
  ENOTFOUND: "the host name does not exist",
  EPIPE: "the connection was closed",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate of the server is for another host",
  ETIMEDOUT: "the connection timed out",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate of the server is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate of the server is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate of the server is not trusted",
};

/**
 * Maps what a PostgreSQL client threw, by its code; an error of this library stays as it is. Messages and
 * details of the server are left out, because they repeat parameter values.
 */
export function toDatabaseError(error: unknown, context: FailureContext): InfrastructureError {
  if (error instanceof InfrastructureError) return error;
  const fields: ServerFields = typeof error === "object" && error !== null ? error : {};
  const code = typeof fields.code === "string" ? fields.code : "";
  if (isSqlState(code)) return serverError(code, fields, context);
  if (code === "" && context.connected) return valueError(error, context);
  return connectionError(code, error, context);
}

/** The pool was closed before the call. */
export function closedError(operation: string): DatabaseError {
  return new DatabaseError(`Cannot ${operation}: the pool is closed`, {
    code: "closed",
    operation,
  });
}

/** The caller's signal fired. */
export function abortedError(
  operation: string,
  reason: unknown,
  outcome: Outcome = "not-applied",
): DatabaseError {
  return new DatabaseError(`Cannot ${operation}: aborted by the caller`, {
    code: "aborted",
    operation,
    outcome,
    cause: reason,
  });
}

/** Whether a code comes from a server. Codes of the operating system, such as `EPIPE`, begin with E; no class does. */
export function isSqlState(code: string): boolean {
  return /^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code);
}

function serverError(
  sqlState: string,
  fields: ServerFields,
  context: FailureContext,
): DatabaseError {
  const code = BY_STATE[sqlState] ?? BY_CLASS[sqlState.slice(0, 2)] ?? "internal";
  const constraint = text(fields.constraint);
  const field = constraintField(constraint, text(fields.table)) ?? camelCase(text(fields.column));
  const reason = (checkReason(sqlState, constraint) ?? REASONS[sqlState] ??
    `the server answered with SQLSTATE ${sqlState}`).replace("%", field ?? "a value");
  // A server that goes down can say so after it has committed, before it has confirmed.
  const outcome = code === "unavailable" ? context.outcomeIfLost : "not-applied";
  return new DatabaseError(`Cannot ${context.operation}: ${reason}`, {
    code,
    operation: context.operation,
    retryable: RETRYABLE.has(code) && outcome === "not-applied",
    outcome,
    constraint,
    field,
    sqlState,
    cause: new Error(describe(sqlState, fields)),
  });
}

/** Its text is left out: it repeats the value. */
function valueError(error: unknown, { operation }: FailureContext): DatabaseError {
  return new DatabaseError(`Cannot ${operation}: a value cannot be sent or read`, {
    code: "invalid_input",
    operation,
    cause: new Error(error instanceof Error ? error.name : typeof error),
  });
}

function connectionError(code: string, error: unknown, context: FailureContext): DatabaseError {
  const certificate = code.includes("CERT") || code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
  return new DatabaseError(
    `Cannot ${context.operation}: ${NETWORK_REASONS[code] ?? "the connection broke"}`,
    {
      code: certificate ? "unauthenticated" : "unavailable",
      operation: context.operation,
      retryable: !certificate && context.outcomeIfLost === "not-applied",
      outcome: context.outcomeIfLost,
      cause: new Error(code || (error instanceof Error ? error.name : "connection lost")),
    },
  );
}

function describe(sqlState: string, fields: ServerFields): string {
  const places = [fields.table, fields.column, fields.constraint].map(text).filter(Boolean);
  return [`SQLSTATE ${sqlState}`, ...places].join(" ");
}

/** Constraints are named `<table>_<column>_<kind>`, as PostgreSQL itself names them. */
function constraintField(constraint?: string, table?: string): string | undefined {
  if (!constraint) return undefined;
  const prefix = table && constraint.startsWith(`${table}_`) ? table.length + 1 : 0;
  const column = constraint.slice(prefix).replace(/_?(pkey|key|(range_)?check|fkey|idx)$/, "");
  return column === "" ? "id" : camelCase(column);
}

function checkReason(sqlState: string, constraint = ""): string | undefined {
  if (sqlState !== "23514") return undefined;
  return Object.entries(CHECK_REASONS).find(([end]) => constraint.endsWith(end))?.[1];
}

function camelCase(name?: string): string | undefined {
  return name?.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
