import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { MessagingError } from "../../../core/errors.ts";
import {
  isMissing,
  isTaken,
  isUnheard,
  toMessagingError,
} from "../../../messaging/adapters/nats/nats_error.ts";

const PUBLISH = { operation: "publish", mayHaveRun: true };

test("an answer of the server is told by its number, and changed nothing", () => {
  const expected = {
    10037: "not_found",
    10047: "resource_exhausted",
    10060: "conflict",
    10077: "resource_exhausted",
    10076: "unsupported",
    12345: "internal",
  };
  for (const [number, code] of Object.entries(expected)) {
    const error = toMessagingError(answer(400, Number(number)), PUBLISH);
    assert.deepEqual([error.code, error.outcome], [code, "not-applied"]);
    assert.match(error.message, new RegExp(`^Cannot publish: .*${number}`));
  }
  const unavailable = toMessagingError(answer(503, 10008), PUBLISH);
  assert.deepEqual([unavailable.code, unavailable.retryable], ["unavailable", true]);
});

test("a request that nobody heard changed nothing", () => {
  const unheard = new errors.RequestError("", { cause: new errors.NoRespondersError("subject") });
  assert.ok(isUnheard(unheard));
  assert.ok(isUnheard(new Error("", { cause: unheard })));
  assert.ok(!isUnheard(new Error("no responders")));
  const error = toMessagingError(unheard, PUBLISH);
  assert.deepEqual([error.code, error.outcome, error.retryable], [
    "unavailable",
    "not-applied",
    true,
  ]);
});

test("when the answer does not come, nobody knows", () => {
  const late = new errors.RequestError("", { cause: new errors.TimeoutError() });
  for (
    const [one, code] of [[late, "timeout"], [
      new errors.ClosedConnectionError(),
      "unavailable",
    ]] as const
  ) {
    const error = toMessagingError(one, PUBLISH);
    assert.deepEqual([error.code, error.outcome], [code, "unknown"]);
    const reading = toMessagingError(one, { operation: "read", mayHaveRun: false });
    assert.equal(reading.outcome, "not-applied");
  }
});

test("a refused login and a forbidden subject are told apart, without what the client says", () => {
  const login = toMessagingError(new errors.AuthorizationError("s3cr3t"), PUBLISH);
  assert.equal(login.code, "unauthenticated");
  const denied = new errors.PermissionViolationError("s3cr3t", "publish", "s3cr3t");
  const subject = toMessagingError(new errors.RequestError("", { cause: denied }), PUBLISH);
  assert.equal(subject.code, "permission_denied");
  for (const one of [login, subject]) assert.doesNotMatch(inspect(one, { depth: 9 }), /s3cr3t/);
});

test("a code of the system is shown, and an error of the library stays what it is", () => {
  const refused = Object.assign(new Error("s3cr3t"), { code: "ECONNREFUSED" });
  const error = toMessagingError(new errors.ConnectionError("x", { cause: refused }), PUBLISH);
  assert.match(error.message, /with ECONNREFUSED$/);
  assert.equal(toMessagingError(error, PUBLISH), error);
});

test("what is missing and what is taken is known", () => {
  assert.ok(isMissing(answer(404, 10014)));
  assert.ok(isMissing(new MessagingError("", { code: "not_found", operation: "x" })));
  assert.ok(!isMissing(answer(400, 10014)));
  assert.ok(isTaken(answer(400, 10058)));
  assert.ok(!isTaken(answer(400, 10059)));
});

function answer(code: number, err_code: number): JetStreamApiError {
  return new JetStreamApiError({ code, err_code, description: "s3cr3t" });
}
