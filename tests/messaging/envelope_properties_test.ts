import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import { z } from "zod";
import { decodeEnvelope, encodeEnvelope } from "../../messaging/envelope.ts";
import type { Message } from "../../messaging/messaging.ts";
import { UndecodableMessageError } from "../../messaging/undecodable_message_error.ts";
import { ATTRIBUTES } from "../support/event_attributes.ts";

const encode = (...args: Parameters<typeof encodeEnvelope>): Uint8Array =>
  new TextEncoder().encode(encodeEnvelope(...args));

test("whatever JSON can hold arrives as it was published", () => {
  const key = fc.string({ maxLength: 5 }).filter((name) =>
    name !== "__proto__" && !name.includes("\0")
  );
  const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));
  const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      { depthSize: "small" },
      fc.constant(null),
      fc.boolean(),
      number,
      text,
      fc.array(tie("json")),
      fc.dictionary(key, tie("json"), { noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(json, (payload) => {
      const message = decodeEnvelope("events:user", encode(ATTRIBUTES, payload));
      assert.deepEqual(message.deserialize(z.unknown()), JSON.parse(JSON.stringify(payload)));
      const { channel: _c, payload: _p, deserialize: _d, ...attributes } = message;
      assert.deepEqual(attributes, ATTRIBUTES);
    }),
    { numRuns: 1_000 },
  );
});

test("an envelope reads the same in whatever order its members are", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 20,
  });
  const attributes = fc.record({
    id: text,
    type: text,
    source: text,
    time: fc.constantFrom("2026-11-22T10:00:00.000Z", "2026-11-22T10:00:00+01:00"),
    correlationId: fc.option(text, { nil: undefined }),
    partitionKey: fc.option(text, { nil: undefined }),
    headers: fc.constantFrom<Record<string, string>>({}, { tenant: 'a"b' }),
  });
  const value = fc.jsonValue({ maxDepth: 2 })
    .filter((one) => !JSON.stringify(one).includes("__proto__"));
  const own = ({ deserialize: _, ...rest }: Message): object => rest;
  fc.assert(
    fc.property(attributes, value, (given, payload) => {
      const written = encodeEnvelope(given, payload);
      const { data, ...rest } = JSON.parse(written);
      const turned = JSON.stringify({ data, ...rest });
      const messages = [written, turned].map((one) =>
        decodeEnvelope("events:user", new TextEncoder().encode(one))
      );
      assert.deepEqual(own(messages[0]!), own(messages[1]!));
    }),
    { numRuns: 1_000 },
  );
});

test("mutated bytes give a message or the typed error, and never anything else", () => {
  const original = encode(ATTRIBUTES, { name: "größer", scores: [1, 2.5, null] });
  const mutation = fc.record({ at: fc.nat(original.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const bytes = original.slice();
      for (const { at, byte } of mutations) bytes[at] = byte;
      try {
        JSON.parse(decodeEnvelope("events:user", bytes).payload);
      } catch (error) {
        assert.ok(error instanceof UndecodableMessageError, String(error));
      }
      assert.equal(({} as Record<string, unknown>).admin, undefined);
    }),
    { numRuns: 2_000 },
  );
});
