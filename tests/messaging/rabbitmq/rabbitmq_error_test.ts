import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { MessagingError } from "../../../core/errors.ts";
import {
  replyCode,
  toConnectError,
  toMessagingError,
} from "../../../messaging/adapters/rabbitmq/rabbitmq_error.ts";

const CALL = { operation: "publish", outcome: "unknown" } as const;

function withCode(code: unknown): Error {
  return Object.assign(new Error("PRECONDITION_FAILED - s3cr3t"), { code });
}

describe("toMessagingError", () => {
  for (
    const [reply, code, retryable] of [
      [403, "permission_denied", false],
      [404, "not_found", false],
      [405, "conflict", false],
      [406, "conflict", false],
      [320, "unavailable", true],
      [506, "resource_exhausted", true],
      [530, "permission_denied", false],
      [541, "internal", false],
    ] as const
  ) {
    test(`tells reply ${reply} as ${code}`, () => {
      const error = toMessagingError(withCode(reply), CALL);
      assert.equal(error.code, code);
      assert.equal(error.retryable, retryable);
      assert.equal(error.outcome, "unknown");
      assert.equal(error.message, `Cannot publish: the server replied ${reply}`);
      assert.ok(!inspect(error).includes("s3cr3t"));
    });
  }

  test("takes anything else for a broken connection, and shows the code of the system", () => {
    const reset = toMessagingError(withCode("ECONNRESET"), CALL);
    assert.equal(reset.code, "unavailable");
    assert.match(reset.message, /failed with ECONNRESET$/);
    for (const odd of [withCode("s3cr3t"), withCode(7), new Error("s3cr3t"), undefined, null]) {
      const error = toMessagingError(odd, CALL);
      assert.equal(error.code, "unavailable");
      assert.ok(!inspect(error).includes("s3cr3t"));
    }
  });

  test("leaves an error of the library as it is", () => {
    const error = new MessagingError("Cannot", { code: "closed", operation: "publish" });
    assert.equal(toMessagingError(error, CALL), error);
  });
});

describe("toConnectError", () => {
  test("knows refusals, which the client has as text", () => {
    const login = toConnectError(
      new Error('Handshake terminated by server: 403 (ACCESS-REFUSED) with message "…"'),
      "connect",
      "host:1",
    );
    assert.equal(login.code, "unauthenticated");
    assert.equal(
      login.message,
      "Cannot connect: the server refused user or password, tried host:1",
    );
    const vhost = new Error("Expected ConnectionOpenOk; got <ConnectionClose channel:0>");
    assert.equal(toConnectError(vhost, "connect", "host:1").code, "permission_denied");
  });

  test("says what was tried for everything else", () => {
    const error = toConnectError(withCode("ECONNREFUSED"), "connect", "host:1");
    assert.match(error.message, /ECONNREFUSED, tried host:1$/);
    assert.equal(error.code, "unavailable");
    assert.equal(error.retryable, true);
  });
});

describe("replyCode", () => {
  test("is a number of the protocol", () => {
    assert.equal(replyCode(withCode(404)), 404);
    for (const odd of [withCode("404"), withCode(1), new Error(), undefined]) {
      assert.equal(replyCode(odd), undefined);
    }
  });
});
