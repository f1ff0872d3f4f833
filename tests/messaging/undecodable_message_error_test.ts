import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { UndecodableMessageError } from "../../messaging/undecodable_message_error.ts";
import { ValidationError } from "../../core/errors.ts";

test("the error keeps the bytes but does not print them", () => {
  const bytes = new TextEncoder().encode("secret");
  const flaw = new ValidationError("bytes", "they must be JSON in UTF-8");
  const error = new UndecodableMessageError("events:user", bytes, flaw);
  assert.equal(error.bytes, bytes);
  assert.equal(error.channel, "events:user");
  assert.equal(error.code, "serialization_failed");
  assert.equal(error.cause, flaw);
  assert.equal(
    error.message,
    "Cannot decode a message on events:user: bytes: they must be JSON in UTF-8",
  );
  for (const text of [inspect(error, { showHidden: true, depth: 10 }), JSON.stringify(error)]) {
    assert.doesNotMatch(text, /secret|115, ?101|"0":115/);
  }
});
