import assert from "node:assert/strict";
import { deathOf, decodeLetter, encodeLetter } from "../../messaging/dead_letter.ts";
import { encodeEnvelope } from "../../messaging/envelope.ts";
import { InfrastructureError } from "../../core/errors.ts";
import type { StreamEntry } from "../../messaging/streams.ts";
import { test } from "node:test";
import { UndecodableMessageError } from "../../messaging/undecodable_message_error.ts";

const PLACE = { id: "letter-1", channel: "events:user", group: "mailer" };
const AT = new Date("2026-11-22T10:00:00.123Z");

const entryOf = (bytes: Uint8Array): StreamEntry => ({
  channel: "events:user",
  position: "17-0",
  attempt: 5,
  bytes,
  decode: () => assert.fail("a letter keeps bytes"),
});

test("a letter keeps the bytes, whatever they are, and why they are here", () => {
  for (const bytes of [new Uint8Array(), Uint8Array.of(0, 255, 254, 10, 34)]) {
    const letter = { ...deathOf("undecodable", new Error("it is no JSON"), 1), buriedAt: AT };
    const { decode, ...read } = decodeLetter(PLACE, encodeLetter(entryOf(bytes), letter));
    assert.deepEqual(read, {
      ...PLACE,
      reason: "undecodable",
      error: "Error: it is no JSON",
      attempts: 1,
      position: "17-0",
      buriedAt: AT,
      bytes,
    });
    assert.throws(decode, UndecodableMessageError);
  }
});

test("the event of a letter can be read", () => {
  const attributes = {
    id: "event-1",
    type: "Created",
    source: "/tests",
    time: AT.toISOString(),
    headers: {},
  };
  const bytes = new TextEncoder().encode(encodeEnvelope(attributes, { name: "größer" }));
  const letter = { ...deathOf("handler_failed", "no", 5), buriedAt: AT };
  const message = decodeLetter(PLACE, encodeLetter(entryOf(bytes), letter)).decode();
  assert.deepEqual([message.id, message.payload], ["event-1", '{"name":"größer"}']);
});

test("the text of the error fits into a line", () => {
  const { error } = deathOf("handler_failed", new Error(`a\nb\u001b[2J ${"x".repeat(2_000)}`), 5);
  assert.equal(error.length, "Error: a b [2J ".length + 1_000 - "Error: a\nb\u001b[2J ".length);
  assert.match(error, /^Error: a b \[2J x+$/);
  assert.equal(deathOf("handler_failed", { message: "no error" }, 1).error, "[object Object]");
  assert.equal(
    deathOf("handler_failed", "x".repeat(999) + "\u{1F3C1}", 1).error.isWellFormed(),
    true,
  );
});

test("what is no letter is refused", () => {
  for (const text of ["", "{}", '{"reason":"bored","error":"","attempts":1,"position":"1"}']) {
    const bytes = new TextEncoder().encode(text);
    assert.throws(() => decodeLetter(PLACE, bytes), InfrastructureError);
  }
});
