import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CacheError,
  ConfigurationError,
  DatabaseError,
  type ErrorDetails,
  InfrastructureError,
  IntegrityError,
  MessagingError,
  NotFoundError,
  SerializationError,
  StorageError,
  ValidationError,
} from "../../core/errors.ts";

const details: ErrorDetails = { code: "unavailable", operation: "cache.get" };

test("an error carries what callers decide by", () => {
  const cause = new Error("socket closed");
  const error = new InfrastructureError("Cannot get the key: the server is down", {
    ...details,
    retryable: true,
    outcome: "unknown",
    cause,
  });
  assert.equal(error.message, "Cannot get the key: the server is down");
  assert.equal(error.code, "unavailable");
  assert.equal(error.operation, "cache.get");
  assert.equal(error.retryable, true);
  assert.equal(error.outcome, "unknown");
  assert.equal(error.cause, cause);
});

test("by default an error is not retryable, certainly not applied and has no cause", () => {
  const error = new InfrastructureError("Cannot get the key: the server is down", details);
  assert.equal(error.retryable, false);
  assert.equal(error.outcome, "not-applied");
  assert.equal("cause" in error, false);
});

test("every error is an InfrastructureError with a name and a code of its own", () => {
  const errors: [InfrastructureError, name: string, code: string][] = [
    [new DatabaseError("text", details), "DatabaseError", "unavailable"],
    [new CacheError("text", details), "CacheError", "unavailable"],
    [new StorageError("text", details), "StorageError", "unavailable"],
    [new IntegrityError("text", { operation: "download" }), "IntegrityError", "corrupted"],
    [new MessagingError("text", details), "MessagingError", "unavailable"],
    [
      new SerializationError("text", { operation: "decode" }),
      "SerializationError",
      "serialization_failed",
    ],
    [new NotFoundError("benchmark", { operation: "get" }), "NotFoundError", "not_found"],
    [new ConfigurationError(["a"]), "ConfigurationError", "configuration_invalid"],
    [new ValidationError("email", "it is taken"), "ValidationError", "invalid_input"],
  ];
  for (const [error, name, code] of errors) {
    assert.ok(error instanceof InfrastructureError);
    assert.deepEqual([error.name, error.code], [name, code]);
    assert.match(String(error.stack), new RegExp(error.constructor.name));
  }
});

test("a database error names the constraint, the field and the SQLSTATE where there are some", () => {
  const duplicate = new DatabaseError("Cannot create the user: the email is taken", {
    code: "already_exists",
    operation: "UserRepository.create",
    constraint: "users_email_key",
    field: "email",
    sqlState: "23505",
  });
  assert.equal(duplicate.constraint, "users_email_key");
  assert.equal(duplicate.field, "email");
  assert.equal(duplicate.sqlState, "23505");
  const refused = new DatabaseError("text", details);
  assert.deepEqual([refused.constraint, refused.field, refused.sqlState], [
    undefined,
    undefined,
    undefined,
  ]);
});

test("a not-found error says what is missing and, if known, why", () => {
  const missing = new NotFoundError("benchmark", { operation: "BenchmarkRepository.getById" });
  assert.equal(missing.message, "Cannot find benchmark: it does not exist");
  assert.equal(missing.resource, "benchmark");
  const deleted = new NotFoundError("version", { operation: "get", reason: "it was deleted" });
  assert.equal(deleted.message, "Cannot find version: it was deleted");
});

test("a configuration error lists every problem at once", () => {
  const error = new ConfigurationError(["DATABASE_URL is missing", "REDIS_URL is malformed"]);
  assert.equal(
    error.message,
    "Cannot configure: DATABASE_URL is missing; REDIS_URL is malformed",
  );
  assert.deepEqual(error.problems, ["DATABASE_URL is missing", "REDIS_URL is malformed"]);
});

test("a validation error names the field, and the operation where one is given", () => {
  const error = new ValidationError("results[17].score", "it must be a finite number, got NaN");
  assert.equal(error.message, "Cannot use results[17].score: it must be a finite number, got NaN");
  assert.equal(error.field, "results[17].score");
  assert.equal(error.operation, "validate");
  assert.equal(new ValidationError("a", "b", "createUser").operation, "createUser");
});
