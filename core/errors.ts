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

/**
 * A database operation failed.
 *
 * ```ts
 * import { DatabaseError } from "@benchmark-exchange/infrastructure/core";
 * import type { PostgresUserRepository } from "@benchmark-exchange/infrastructure/database";
 *
 * async function signUp(users: PostgresUserRepository, email: string): Promise<string> {
 *   try {
 *     return (await users.create({ email, username: "ada" })).id;
 *   } catch (error) {
 *     if (!(error instanceof DatabaseError) || error.code !== "already_exists") throw error;
 *     return `${error.field} is taken`; // "email is taken" or "username is taken"
 *   }
 * }
 * ```
 */
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

/**
 * A cache operation failed.
 *
 * ```ts
 * import { CacheError } from "@benchmark-exchange/infrastructure/core";
 * import { MemoryCacheProvider } from "@benchmark-exchange/infrastructure/cache/memory";
 *
 * const cache = new MemoryCacheProvider();
 * await cache.close();
 * try {
 *   await cache.get("leaderboard:123");
 * } catch (error) {
 *   console.log(error instanceof CacheError && error.code); // "closed"
 * }
 * ```
 */
export class CacheError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "CacheError";
}

/** What a {@linkcode StorageError} carries besides. */
export interface StorageErrorDetails extends ErrorDetails {
  /** The key of the object that was found damaged. */
  readonly key?: string;
}

/**
 * An object storage operation failed.
 *
 * ```ts
 * import { StorageError } from "@benchmark-exchange/infrastructure/core";
 * import { MemoryStorageProvider } from "@benchmark-exchange/infrastructure/storage";
 *
 * const storage = new MemoryStorageProvider();
 * await storage.createBucket("datasets");
 * await storage.upload("datasets", "tasks.jsonl", "{}", { createOnly: true });
 * try {
 *   await storage.upload("datasets", "tasks.jsonl", "[]", { createOnly: true });
 * } catch (error) {
 *   console.log(error instanceof StorageError && error.code); // "already_exists"
 * }
 * await storage.close();
 * ```
 */
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

/**
 * Stored bytes are not what was written, or fewer: they must not be used.
 *
 * ```ts
 * import { IntegrityError } from "@benchmark-exchange/infrastructure/core";
 * import {
 *   downloadVerified,
 *   MemoryStorageProvider,
 * } from "@benchmark-exchange/infrastructure/storage";
 *
 * const storage = new MemoryStorageProvider();
 * await storage.createBucket("datasets");
 * await storage.upload("datasets", "tasks.jsonl", "not the published tasks");
 * try {
 *   await downloadVerified(storage, "datasets", "tasks.jsonl", { sha256: "0".repeat(64) });
 * } catch (error) {
 *   console.log(error instanceof IntegrityError && error.code); // "corrupted"
 * }
 * await storage.close();
 * ```
 */
export class IntegrityError extends StorageError {
  /** The name of this class. */
  override readonly name: string = "IntegrityError";

  /** Creates the error with code `corrupted`. */
  constructor(message: string, details: Omit<StorageErrorDetails, "code">) {
    super(message, { ...details, code: "corrupted" });
  }
}

/**
 * An event could not be published or received.
 *
 * ```ts
 * import { MessagingError } from "@benchmark-exchange/infrastructure/core";
 * import { MemoryEventBus } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const events = new MemoryEventBus();
 * await events.close();
 * try {
 *   await events.publish("submission.scored", { submissionId: "123" });
 * } catch (error) {
 *   console.log(error instanceof MessagingError && error.code); // "closed"
 * }
 * ```
 */
export class MessagingError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "MessagingError";
}

/**
 * A value could not be encoded or decoded.
 *
 * ```ts
 * import { decodeJson, SerializationError } from "@benchmark-exchange/infrastructure/core";
 *
 * try {
 *   decodeJson('{"score": 0.9', "read results"); // a file that was cut off
 * } catch (error) {
 *   console.log(error instanceof SerializationError && error.code); // "serialization_failed"
 * }
 * ```
 */
export class SerializationError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "SerializationError";

  /** Creates the error with code `serialization_failed`. */
  constructor(message: string, details: { operation: string; cause?: unknown }) {
    super(message, { code: "serialization_failed", ...details });
  }
}

/**
 * The thing that a call needs does not exist.
 *
 * ```ts
 * import { NotFoundError } from "@benchmark-exchange/infrastructure/core";
 * import { MemoryStorageProvider } from "@benchmark-exchange/infrastructure/storage";
 *
 * const storage = new MemoryStorageProvider();
 * await storage.createBucket("datasets");
 * try {
 *   await storage.download("datasets", "tasks.jsonl");
 * } catch (error) {
 *   console.log(error instanceof NotFoundError && error.resource); // "object"
 * }
 * await storage.close();
 * ```
 */
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

/**
 * Configuration is missing or malformed; every problem is listed at once.
 *
 * ```ts
 * import { Infrastructure } from "@benchmark-exchange/infrastructure";
 * import { ConfigurationError } from "@benchmark-exchange/infrastructure/core";
 *
 * try {
 *   const exchange = await Infrastructure.fromEnv({ environment: {} });
 *   await exchange.close();
 * } catch (error) {
 *   if (!(error instanceof ConfigurationError)) throw error;
 *   console.log(error.problems.slice(0, 2));
 *   // [ "DATABASE_URL is not set", "REDIS_URL is not set" ]
 * }
 * ```
 */
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

/**
 * Input was refused before it reached a server; nothing was changed.
 *
 * ```ts
 * import { CacheKey } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * try {
 *   CacheKey.leaderboard("123:draft");
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "benchmarkId"
 * }
 * // In a rule of your own:
 * const error = new ValidationError("results[17].score", "it must be at most 1, got 1.5");
 * console.log(error.message); // "Cannot use results[17].score: it must be at most 1, got 1.5"
 * ```
 */
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
