import assert from "node:assert/strict";
import {
  checkAttributes,
  checkSource,
  completeAttributes,
} from "../../messaging/event_attributes.ts";
import type { EventAttributes } from "../../messaging/messaging.ts";
import { test } from "node:test";
import { ValidationError } from "../../core/errors.ts";

const EVENT = {
  channel: "events:user",
  payload: { type: "Created" },
  source: "/tests",
  time: "2026-11-22T10:00:00.000Z",
};

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("no time is none, also before any other was seen", () => {
  const attributes = completeAttributes({}, EVENT);
  for (const time of ["", undefined as unknown as string]) {
    assert.throws(() => checkAttributes({ ...attributes, time }), /Cannot use time/);
  }
});

test("what a publisher gives is kept, the rest is filled in", () => {
  const { id, ...rest } = completeAttributes({ correlationId: "request-1" }, EVENT);
  assert.match(id, /^[0-9a-f-]{14}7[0-9a-f-]{21}$/);
  assert.deepEqual(rest, {
    type: "Created",
    source: "/tests",
    time: "2026-11-22T10:00:00.000Z",
    correlationId: "request-1",
    partitionKey: undefined,
    traceparent: undefined,
    tracestate: undefined,
    headers: {},
  });
});

test("a payload without a type is named after its channel", () => {
  for (const payload of [null, undefined, "Created", { type: 7 }, []]) {
    assert.equal(completeAttributes({}, { ...EVENT, payload }).type, "events:user");
  }
});

test("ids that are made one after the other sort that way", () => {
  const ids = Array.from({ length: 100 }, () => completeAttributes({}, EVENT).id);
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(new Set(ids).size, 100);
});

test("the longest attributes pass, longer ones do not", () => {
  const longest: EventAttributes = {
    id: "i".repeat(200),
    type: "t".repeat(200),
    source: "s".repeat(500),
    time: "2026-11-22T10:00:00.123456789+14:00",
    correlationId: "c".repeat(200),
    partitionKey: "p".repeat(200),
    traceparent: TRACEPARENT,
    tracestate: "s".repeat(512),
    headers: Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`${i}`.padStart(20, "h"), "v".repeat(500)]),
    ),
  };
  assert.deepEqual(checkAttributes(longest), longest);
  for (
    const name of ["id", "type", "source", "correlationId", "partitionKey", "tracestate"] as const
  ) {
    assert.throws(
      () => checkAttributes({ ...longest, [name]: `${longest[name]}x` }),
      ValidationError,
    );
  }
});

test("a time is an RFC 3339 timestamp", () => {
  const attributes = completeAttributes({}, EVENT);
  for (
    const time of [
      "2026-11-22",
      "2026-11-22T10:00:00",
      "22 Nov 2026 10:00:00 UTC",
      "2026-11-22T25:00:00Z",
    ]
  ) {
    assert.throws(() => checkAttributes({ ...attributes, time }), /time: it must be an RFC 3339/);
  }
});

test("a source is printable ASCII", () => {
  assert.equal(checkSource("urn:example:exchange"), "urn:example:exchange");
  for (const source of ["", "größe", "a\u2028b", undefined]) {
    assert.throws(() => checkSource(source), /Cannot use source/);
  }
});
