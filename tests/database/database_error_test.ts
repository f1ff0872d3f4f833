import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { ConfigurationError, DatabaseError, type ErrorCode } from "../../core/errors.ts";
import { abortedError, isSqlState, toDatabaseError } from "../../database/database_error.ts";

const READ = { operation: "load user", outcomeIfLost: "not-applied" } as const;
const WRITE = { operation: "create user", outcomeIfLost: "unknown" } as const;

const STATES: readonly [sqlState: string, code: ErrorCode, retryable: boolean][] = [
  ["08006", "unavailable", true],
  ["0A000", "unsupported", false],
  ["22001", "invalid_input", false],
  ["22P02", "invalid_input", false],
  ["23502", "constraint_violated", false],
  ["23503", "constraint_violated", false],
  ["23505", "already_exists", false],
  ["23514", "constraint_violated", false],
  ["23P01", "constraint_violated", false],
  ["25006", "permission_denied", false],
  ["25P02", "conflict", false],
  ["25P03", "timeout", false],
  ["28000", "unauthenticated", false],
  ["28P01", "unauthenticated", false],
  ["3D000", "configuration_invalid", false],
  ["40001", "transaction_conflict", true],
  ["40P01", "transaction_conflict", true],
  ["42501", "permission_denied", false],
  ["42P01", "internal", false],
  ["53100", "resource_exhausted", false],
  ["53200", "resource_exhausted", false],
  ["53300", "overloaded", true],
  ["54000", "invalid_input", false],
  ["55P03", "timeout", false],
  ["57014", "timeout", false],
  ["57P01", "unavailable", true],
  ["57P03", "unavailable", true],
  ["58030", "unavailable", true],
  ["XX000", "internal", false],
  ["P0001", "internal", false],
];

for (const [sqlState, code, retryable] of STATES) {
  test(`SQLSTATE ${sqlState} is ${code}`, () => {
    const error = toDatabaseError(server({ code: sqlState }), READ);
    assert.ok(error instanceof DatabaseError);
    assert.deepEqual([error.code, error.retryable, error.sqlState], [code, retryable, sqlState]);
    assert.equal(error.outcome, "not-applied");
    assert.match(error.message, /^Cannot load user: .*[^.]$/);
    assert.ok(!error.message.includes("%"));
  });
}

test("an error of the server means that nothing was applied, unless the server went down", () => {
  for (const [sqlState, code] of STATES) {
    const { outcome, retryable } = toDatabaseError(server({ code: sqlState }), WRITE);
    assert.equal(outcome, code === "unavailable" ? "unknown" : "not-applied", sqlState);
    if (outcome === "unknown") assert.equal(retryable, false, sqlState);
  }
});

const NETWORK: readonly [code: string, text: RegExp][] = [
  ["ECONNREFUSED", /refused the connection/],
  ["ECONNRESET", /was reset/],
  ["EPIPE", /was closed/],
  ["ENOTFOUND", /host name does not exist/],
  ["EAI_AGAIN", /cannot be resolved/],
  ["EHOSTUNREACH", /cannot be reached/],
  ["ETIMEDOUT", /timed out/],
  ["EBADF", /connection broke/],
  ["ESOMETHING", /connection broke/],
];

for (const [code, text] of NETWORK) {
  test(`${code} is a lost connection`, () => {
    const error = toDatabaseError(Object.assign(new Error("x"), { code }), READ);
    assert.deepEqual([error.code, error.outcome, error.retryable], [
      "unavailable",
      "not-applied",
      true,
    ]);
    assert.match(error.message, text);
    const write = toDatabaseError(Object.assign(new Error("x"), { code }), WRITE);
    assert.deepEqual([write.code, write.outcome, write.retryable], [
      "unavailable",
      "unknown",
      false,
    ]);
  });
}

for (
  const code of ["CERT_HAS_EXPIRED", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]
) {
  test(`${code} is a server that cannot be trusted, not one that is down`, () => {
    const error = toDatabaseError(Object.assign(new Error("x"), { code }), READ);
    assert.deepEqual([error.code, error.retryable], ["unauthenticated", false]);
    assert.match(error.message, /the certificate of the server/);
  });
}

test("an error without a code is a lost connection, or a bad value where the connection works", () => {
  const codeless = new Error("Connection terminated unexpectedly");
  const lost = toDatabaseError(codeless, WRITE);
  assert.deepEqual([lost.code, lost.outcome, lost.retryable], ["unavailable", "unknown", false]);
  const value = toDatabaseError(new TypeError("canary"), { ...WRITE, connected: true });
  assert.deepEqual([value.code, value.outcome, value.retryable], [
    "invalid_input",
    "not-applied",
    false,
  ]);
  const reset = Object.assign(new Error("x"), { code: "ECONNRESET" });
  assert.equal(toDatabaseError(reset, { ...WRITE, connected: true }).code, "unavailable");
});

test("what is thrown need not be an error", () => {
  for (const thrown of [undefined, null, "canary", 5, {}, { code: 5 }, { code: "constructor" }]) {
    const error = toDatabaseError(thrown, READ);
    assert.equal(error.code, "unavailable");
    assert.ok(!shown(error).includes("canary"));
  }
});

test("an error of this library stays what it is", () => {
  const errors = [
    new DatabaseError("Cannot x: y", { code: "closed", operation: "x" }),
    new ConfigurationError(["bad"]),
  ];
  for (const error of errors) assert.equal(toDatabaseError(error, READ), error);
});

const FIELDS: readonly [fields: object, field: string | undefined][] = [
  [{ table: "users", constraint: "users_email_key" }, "email"],
  [{ table: "users", constraint: "users_display_name_check" }, "displayName"],
  [{ table: "users", constraint: "users_pkey" }, "id"],
  [{ table: "submissions", constraint: "submissions_version_id_fkey" }, "versionId"],
  [{ table: "submissions", constraint: "submissions_score_range_check" }, "score"],
  [{ table: "a", constraint: "unrelated_name" }, "unrelatedName"],
  [{ constraint: "name_key" }, "name"],
  [{ table: "users", column: "display_name" }, "displayName"],
  [{ table: "users" }, undefined],
  [{ constraint: "", column: "" }, undefined],
  [{ constraint: 5, column: {} }, undefined],
];

for (const [fields, field] of FIELDS) {
  test(`${JSON.stringify(fields)} is about ${field ?? "no field"}`, () => {
    const error = toDatabaseError(server({ code: "23505", ...fields }), WRITE) as DatabaseError;
    assert.equal(error.field, field);
    assert.equal(error.message, `Cannot create user: duplicate ${field ?? "a value"}`);
  });
}

test("checks of the domain say what they are for", () => {
  const reasons = {
    submissions_score_range_check: "score is outside the range of its metric",
    test_cases_immutable_check: "what was published or submitted cannot be changed",
    users_role_check: "role is not allowed",
  };
  for (const [constraint, reason] of Object.entries(reasons)) {
    const table = constraint.slice(0, constraint.startsWith("test") ? 10 : constraint.indexOf("_"));
    const error = toDatabaseError(server({ code: "23514", table, constraint }), WRITE);
    assert.equal(error.message, `Cannot create user: ${reason}`);
  }
});

test("messages and details of the server, which repeat values, are shown nowhere", () => {
  const fields = {
    ...{ detail: "Key (email)=(canary) already exists.", hint: "canary", where: "canary" },
    ...{ internalQuery: "canary", query: "canary", parameters: ["canary"], table: "users" },
    ...{ constraint: "users_email_key", client: { password: "canary" } },
  };
  for (const code of ["23505", "22P02", "57P01", "ECONNRESET", "CERT_HAS_EXPIRED", undefined]) {
    const raw = Object.assign(new Error("canary"), fields, { code });
    for (const connected of [true, false]) {
      const error = toDatabaseError(raw, { ...WRITE, connected });
      assert.ok(!shown(error).includes("canary"), shown(error));
    }
  }
});

test("an aborted call keeps the reason of its caller", () => {
  const reason = new Error("mine");
  const error = abortedError("load user", reason, "unknown");
  assert.deepEqual([error.code, error.outcome, error.cause], ["aborted", "unknown", reason]);
  assert.equal(error.message, "Cannot load user: aborted by the caller");
});

test("codes of the operating system are no SQLSTATEs", () => {
  for (const code of ["23505", "57P01", "XX000", "HV000", "F0000"]) {
    assert.ok(isSqlState(code), code);
  }
  for (
    const code of [
      "EPIPE",
      "EBADF",
      "EPERM",
      "ECONNRESET",
      "",
      "2350",
      "235055",
      "23505\n",
      "abcde",
    ]
  ) {
    assert.ok(!isSqlState(code), code);
  }
});

function server(fields: object): Error {
  return Object.assign(new Error("a text of the server"), fields);
}

function shown(error: Error): string {
  const causes: unknown[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    causes.push(cause.message, cause.stack, JSON.stringify(cause), inspect(cause, { depth: 10 }));
  }
  return causes.join("\n");
}
