/**
 * What went wrong, as a closed list that callers switch on; the text of an error is for people.
 *
 * - `invalid_input`: refused before it reached a server; `ValidationError.field` names the field.
 * - `not_found`: the thing that the call needs does not exist.
 * - `already_exists`: a unique name, e-mail, key or version is taken.
 * - `conflict`: the thing changed meanwhile, or its state does not allow the change.
 * - `constraint_violated`: the server refused the data (foreign key, check, not-null).
 * - `unauthenticated`, `permission_denied`: credentials are wrong, or lack the right.
 * - `unavailable`: the server is down, refused, restarting, or the connection broke.
 * - `overloaded`: a pool, a queue or the server has no room left.
 * - `timeout`: the deadline passed. `aborted`: the caller's signal fired.
 * - `transaction_conflict`: serialization failure or deadlock; a new attempt can succeed.
 * - `nested_call`: a pool was used inside its own transaction, which would deadlock.
 * - `resource_exhausted`: disk, memory or quota of the server is used up.
 * - `corrupted`: stored bytes are not what was written.
 * - `serialization_failed`: a value cannot be encoded or decoded.
 * - `configuration_invalid`, `closed`, `unsupported`, `internal`: as they say.
 */
export type ErrorCode =
  | "invalid_input"
  | "not_found"
  | "already_exists"
  | "conflict"
  | "constraint_violated"
  | "unauthenticated"
  | "permission_denied"
  | "unavailable"
  | "overloaded"
  | "timeout"
  | "aborted"
  | "transaction_conflict"
  | "nested_call"
  | "resource_exhausted"
  | "corrupted"
  | "serialization_failed"
  | "configuration_invalid"
  | "closed"
  | "unsupported"
  | "internal";

/**
 * Whether the operation can have changed anything: `not-applied` is certain, `unknown` means that
 * the reply was lost. Only `not-applied` operations and idempotent ones may be tried again.
 */
export type Outcome = "not-applied" | "unknown";

/** What every {@linkcode InfrastructureError} carries. */
export interface ErrorDetails {
  /** What went wrong. */
  readonly code: ErrorCode;
  /** The public call that failed, such as `BenchmarkRepository.create`. */
  readonly operation: string;
  /** Whether the same call can succeed later, unchanged. Default: `false`. */
  readonly retryable?: boolean;
  /** Default: `not-applied`. */
  readonly outcome?: Outcome;
  /** The underlying error, free of secrets and of parameter values. */
  readonly cause?: unknown;
}

/**
 * The base of every error that this library throws about the outside world or its input.
 *
 * ```ts
 * import { InfrastructureError } from "@benchmark-exchange/infrastructure/core";
 *
 * function mayTryAgain(error: unknown): boolean {
 *   return error instanceof InfrastructureError && error.retryable &&
 *     error.outcome === "not-applied";
 * }
 * ```
 */
export class InfrastructureError extends Error {
  /** The name of this class. */
  override readonly name: string = "InfrastructureError";
  /** What went wrong. */
  readonly code: ErrorCode;
  /** The public call that failed. */
  readonly operation: string;
  /** Whether the same call can succeed later, unchanged. */
  readonly retryable: boolean;
  /** Whether the operation can have changed anything. */
  readonly outcome: Outcome;

  /** Creates the error; `message` follows "Cannot <do> <what>: <why>". */
  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.operation = details.operation;
    this.retryable = details.retryable ?? false;
    this.outcome = details.outcome ?? "not-applied";
  }
}

/** What a {@linkcode DatabaseError} carries besides. */
export interface DatabaseErrorDetails extends ErrorDetails {
  /** The violated constraint, such as `users_email_key`. */
  readonly constraint?: string;
  /** The field of the domain that the constraint is about, such as `email`. */
  readonly field?: string;
  /** The five characters of the SQLSTATE, where a server sent one. */
  readonly sqlState?: string;
}

/** A database operation failed. */
export class DatabaseError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "DatabaseError";
  /** The violated constraint, such as `users_email_key`. */
  readonly constraint: string | undefined;
  /** The field of the domain that the constraint is about, such as `email`. */
  readonly field: string | undefined;
  /** The SQLSTATE, where a server sent one (PostgreSQL documentation, appendix A). */
  readonly sqlState: string | undefined;

  /** Creates the error. */
  constructor(message: string, details: DatabaseErrorDetails) {
    super(message, details);
    this.constraint = details.constraint;
    this.field = details.field;
    this.sqlState = details.sqlState;
  }
}

/** A cache operation failed. */
export class CacheError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "CacheError";
}

/** What a {@linkcode StorageError} carries besides. */
export interface StorageErrorDetails extends ErrorDetails {
  /** The key of the object that was found damaged. */
  readonly key?: string;
}

/** An object storage operation failed. */
export class StorageError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "StorageError";
  /** The key of the object that was found damaged, also by a listing. */
  readonly key: string | undefined;

  /** Creates the error. */
  constructor(message: string, details: StorageErrorDetails) {
    super(message, details);
    this.key = details.key;
  }
}

/** Stored bytes are not what was written, or fewer: they must not be used. */
export class IntegrityError extends StorageError {
  /** The name of this class. */
  override readonly name: string = "IntegrityError";

  /** Creates the error with code `corrupted`. */
  constructor(message: string, details: Omit<StorageErrorDetails, "code">) {
    super(message, { ...details, code: "corrupted" });
  }
}

/** An event could not be published or received. */
export class MessagingError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "MessagingError";
}

/** A value could not be encoded or decoded. */
export class SerializationError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "SerializationError";

  /** Creates the error with code `serialization_failed`. */
  constructor(message: string, details: { operation: string; cause?: unknown }) {
    super(message, { code: "serialization_failed", ...details });
  }
}

/** The thing that a call needs does not exist. */
export class NotFoundError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "NotFoundError";
  /** The kind of thing, such as `benchmark`. */
  readonly resource: string;

  /** Creates the error with code `not_found`. */
  constructor(resource: string, details: { operation: string; reason?: string; cause?: unknown }) {
    super(`Cannot find ${resource}: ${details.reason ?? "it does not exist"}`, {
      code: "not_found",
      operation: details.operation,
      cause: details.cause,
    });
    this.resource = resource;
  }
}

/** Configuration is missing or malformed; every problem is listed at once. */
export class ConfigurationError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "ConfigurationError";
  /** One sentence for each problem, without the offending secret. */
  readonly problems: readonly string[];

  /** Creates the error with code `configuration_invalid`. */
  constructor(problems: readonly string[], operation = "configure") {
    super(`Cannot ${operation}: ${problems.join("; ")}`, {
      code: "configuration_invalid",
      operation,
    });
    this.problems = problems;
  }
}

/** Input was refused before it reached a server; nothing was changed. */
export class ValidationError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "ValidationError";
  /** The path of the refused field, such as `results[17].score`. */
  readonly field: string;
  /** Why it was refused, such as `it must be a finite number, got NaN`. */
  readonly reason: string;

  /** Creates the error with code `invalid_input`; `reason` completes "Cannot use <field>: …". */
  constructor(field: string, reason: string, operation = "validate") {
    super(`Cannot use ${field}: ${reason}`, { code: "invalid_input", operation });
    this.field = field;
    this.reason = reason;
  }
}
