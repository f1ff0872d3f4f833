import assert from "node:assert/strict";
import { ATTRIBUTES, TRACEPARENT } from "../support/event_attributes.ts";
import { decodeEnvelope, encodeEnvelope } from "../../messaging/envelope.ts";
import { inspect } from "node:util";
import { test } from "node:test";
import { UndecodableMessageError } from "../../messaging/undecodable_message_error.ts";
import type { ValidationError } from "../../core/errors.ts";
import { z } from "zod";

const WIRE = {
  specversion: "1.0",
  id: "event-1",
  type: "Created",
  source: "/tests",
  time: "2026-11-22T10:00:00.000Z",
  correlationid: "request-1",
  partitionkey: "bench-1",
  traceparent: TRACEPARENT,
  tracestate: "vendor=1",
  tenant: "blue",
  datacontenttype: "application/json",
  data: { name: "größer" },
};

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const encode = (...args: Parameters<typeof encodeEnvelope>): Uint8Array =>
  new TextEncoder().encode(encodeEnvelope(...args));

const decode = (value: unknown) => decodeEnvelope("events:user", bytesOf(value));

test("an event is encoded as the JSON event format of CloudEvents 1.0", () => {
  assert.deepEqual(JSON.parse(encodeEnvelope(ATTRIBUTES, { name: "größer" })), WIRE);
});

test("what nobody said is not in the envelope", () => {
  const text = encodeEnvelope({
    ...ATTRIBUTES,
    correlationId: undefined,
    partitionKey: undefined,
    headers: {},
  }, null);
  const { correlationid: _correlation, partitionkey: _key, tenant: _tenant, ...rest } = WIRE;
  assert.deepEqual(JSON.parse(text), { ...rest, data: null });
});

test("an event from elsewhere is decoded, its other attributes being headers", () => {
  const { datacontenttype: _, ...wire } = WIRE;
  const message = decode({ ...wire, subject: "42", dataschema: "https://example.org/user" });
  assert.equal(message.channel, "events:user");
  assert.equal(message.payload, '{"name":"größer"}');
  assert.deepEqual(message.headers, {
    tenant: "blue",
    subject: "42",
    dataschema: "https://example.org/user",
  });
  assert.equal(decode({ ...WIRE, data: undefined }).payload, "null");
});

test("a malformed trace context is dropped, and the event is not", () => {
  for (const trace of [{ traceparent: "00-abc" }, { traceparent: undefined }, { traceparent: 7 }]) {
    const message = decode({ ...WIRE, ...trace });
    assert.deepEqual([message.traceparent, message.tracestate], [undefined, undefined]);
  }
  const message = decode({ ...WIRE, tracestate: "größe" });
  assert.deepEqual([message.traceparent, message.tracestate], [TRACEPARENT, undefined]);
});

/** An event as others may write it, with the payload anywhere and spaces between. */
const WRITTEN_OTHERWISE: readonly (readonly [text: string, payload: unknown])[] = [
  ['"id":"1","data":{"a":1}', { a: 1 }],
  ['"id":"1", "data": {"a":1,"data":2}', { a: 1, data: 2 }],
  ['"id":"1","data":{"a":1,"data":2}', { a: 1, data: 2 }],
  ['"data":{"a":1},"id":"1"', { a: 1 }],
  ['"data":1,"id":"1","data":2', 2],
  ['"id":"1","data":1,"data":2', 2],
  ['"id":"1","data":1,"d\\u0061ta":2', 2],
  ['"d\\u0061ta":1,"id":"1","data":2', 2],
  ['"id":"1","data":"a,\\"data\\":2"', 'a,"data":2'],
  ['"id":"1","subject":"a,\\"data\\":2"', null],
  ['"id":"1","data":1.50 ', 1.5],
];

test("the payload is what JSON.parse finds, wherever it is in the text", () => {
  const rest = '"specversion":"1.0","type":"t","source":"s","time":"2026-11-22T10:00:00Z"';
  for (const [members, payload] of WRITTEN_OTHERWISE) {
    for (const text of [`{${rest},${members}}`, `{${rest}, ${members}}\n`]) {
      const message = decodeEnvelope("events:user", new TextEncoder().encode(text));
      assert.equal(message.id, "1", text);
      assert.deepEqual(JSON.parse(message.payload), payload, text);
      assert.deepEqual(JSON.parse(text).data ?? null, payload, text);
    }
  }
});

const MALFORMED: readonly (readonly [string, unknown])[] = [
  ["bytes", []],
  ["bytes", null],
  ["bytes", "text"],
  ["specversion", {}],
  ["specversion", { ...WIRE, specversion: "0.3" }],
  ["specversion", { ...WIRE, specversion: "2.0" }],
  ["specversion", { ...WIRE, specversion: 1 }],
  ["datacontenttype", { ...WIRE, datacontenttype: "text/xml" }],
  ["id", { ...WIRE, id: undefined }],
  ["id", { ...WIRE, id: 7 }],
  ["type", { ...WIRE, type: "" }],
  ["source", { ...WIRE, source: "line\nbreak" }],
  ["time", { ...WIRE, time: undefined }],
  ["time", { ...WIRE, time: "now" }],
  ["time", { ...WIRE, time: "" }],
  ["correlationId", { ...WIRE, correlationid: {} }],
  ["partitionKey", { ...WIRE, partitionkey: 7 }],
  ["headers", { ...WIRE, data_base64: "AA==" }],
  ["headers", { ...WIRE, "evil\u001b[2J": "1" }],
  [
    "headers",
    JSON.parse(
      '{"specversion":"1.0","id":"1","type":"t","source":"s",' +
        '"time":"2026-11-22T10:00:00Z","__proto__":{"admin":true}}',
    ),
  ],
  ["headers.tenant", { ...WIRE, tenant: ["blue"] }],
  ["data.user", { ...WIRE, data: { user: JSON.parse('{"__proto__":{"admin":true}}') } }],
  ["data.name", { ...WIRE, data: { name: "nul \0" } }],
  ["data.name", { ...WIRE, data: { name: "lone \ud800" } }],
  ["data.<key of 4 characters>", { ...WIRE, data: { "\u001b[2J": "nul \0" } }],
];

test("what is not an event is refused with its bytes and the member that is wrong", () => {
  for (const [field, value] of MALFORMED) {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    assert.throws(() => decodeEnvelope("events:user", bytes), (error: unknown) => {
      assert.ok(error instanceof UndecodableMessageError);
      assert.equal((error.cause as ValidationError).field, field);
      assert.equal(error.bytes, bytes);
      assert.match(error.message, /^Cannot decode a message on events:user: [\x20-\x7e]*$/);
      return true;
    });
  }
});

test("bytes that are not JSON in UTF-8 are refused, and nothing quotes them", () => {
  const secret = new TextEncoder().encode('{"password": "s3cr3t", }');
  for (const bytes of [secret, new Uint8Array([0xff, 0xfe]), new Uint8Array()]) {
    assert.throws(() => decodeEnvelope("events:user", bytes), (error: unknown) => {
      assert.ok(error instanceof UndecodableMessageError);
      assert.doesNotMatch(inspect(error, { depth: 10 }), /s3cr3t|password/);
      return true;
    });
  }
});

test("a text that is not UTF-8 is refused instead of changed, and one that looks like it is not", () => {
  const replaced = encode(ATTRIBUTES, { name: "\ufffd" });
  assert.equal(decodeEnvelope("events:user", replaced).payload, '{"name":"\ufffd"}');
  const bytes = encode(ATTRIBUTES, { name: "größer" });
  bytes[bytes.indexOf(0xc3)] = 0xff;
  assert.throws(() => decodeEnvelope("events:user", bytes), UndecodableMessageError);
});

test("the limit is about the payload alone, in both directions", () => {
  const bytes = encode(ATTRIBUTES, "é".repeat(9), 20);
  assert.equal(decodeEnvelope("events:user", bytes, 20).payload, `"${"é".repeat(9)}"`);
  assert.throws(() => encodeEnvelope(ATTRIBUTES, "é".repeat(9), 19), /at most 19 bytes.*got 20/);
  const large = encode(ATTRIBUTES, "x".repeat(40_000));
  assert.throws(() => decodeEnvelope("events:user", large, 100), /they must be at most 32868/);
});

test("everybody who deserializes gets a value of his own, of short and of long payloads", () => {
  for (const text of ["a", "a".repeat(20_000)]) {
    const message = decodeEnvelope("events:user", encode(ATTRIBUTES, { text }));
    const values = [1, 2, 3].map(() => message.deserialize(z.object({ text: z.string() })));
    const loose = [1, 2].map(() => message.deserialize(z.any()));
    for (const value of [...values, ...loose]) {
      assert.deepEqual(value, { text });
      value.text = "changed";
    }
  }
});

test("deeply nested bytes are refused and break nothing", () => {
  const text = JSON.stringify(WIRE).replace(
    '{"name":"größer"}',
    "[".repeat(100_000) + "]".repeat(100_000),
  );
  assert.throws(
    () => decodeEnvelope("events:user", new TextEncoder().encode(text)),
    UndecodableMessageError,
  );
});

test("a line break in a name is refused, which JSON does not allow either", () => {
  const bytes = encode({
    ...ATTRIBUTES,
    correlationId: undefined,
    traceparent: undefined,
    tracestate: undefined,
    headers: {},
  }, 1);
  for (const code of [10, 9, 31, 127]) {
    const changed = bytes.slice();
    changed[changed.indexOf("Created".charCodeAt(0))] = code;
    assert.throws(() => decodeEnvelope("events:user", changed), UndecodableMessageError);
  }
});
