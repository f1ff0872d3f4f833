import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodeFrame,
  encodeFrame,
  newLease,
  NOTHING_FRAME,
  type Stored,
  type ValueRecord,
} from "../../../cache/adapters/redis/frame.ts";
import type { EncodedValue } from "../../../cache/encoded_value.ts";

const NEVER = { compressAboveBytes: Infinity };
const ALWAYS = { compressAboveBytes: 0 };
const record = { staleMs: 5_000, loadMs: 12, tags: { board: "v1" } };

async function roundTrip(
  value: EncodedValue,
  options: Parameters<typeof encodeFrame>[1],
): Promise<Stored> {
  return await decodeFrame(Buffer.from(await encodeFrame(value, options)));
}

test("JSON text without a record stands as it is", () => {
  assert.equal(encodeFrame('{"a":1}', NEVER), '{"a":1}');
  assert.deepEqual(decodeFrame(Buffer.from('{"a":1}')), { kind: "value", value: '{"a":1}' });
});

test("a number, which the server counts with, stands as it is also where all is compressed", async () => {
  for (const number of [5, Number.MIN_SAFE_INTEGER]) {
    assert.equal(await encodeFrame(String(number), ALWAYS), String(number));
  }
});

test("bytes, also none and those that look like a frame, come back as bytes", async () => {
  for (const bytes of [[], [0], [0, 76, 1], [0, 78], [123, 125]]) {
    const value = new Uint8Array(bytes);
    for (const options of [NEVER, ALWAYS]) {
      assert.deepEqual(await roundTrip(value, options), { kind: "value", value });
    }
  }
});

test("a record comes back with a head of its own for every value", async () => {
  const tags = JSON.parse('{"board": "v1", "__proto__": "v2"}');
  const [one, other] = await Promise.all(
    [1, 2].map(() => roundTrip('"text"', { ...NEVER, record: { ...record, tags } })),
  );
  assert.ok(one?.kind === "value" && one.record && other?.kind === "value" && other.record);
  assert.equal(one.value, '"text"');
  const { head, ...rest } = one.record;
  assert.deepEqual(rest, { staleMs: 5_000, loadMs: 12, tags });
  assert.notDeepEqual(head, other.record.head);
});

test("any text or bytes come back, with and without compression and record", async () => {
  const value = fc.oneof(
    fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text)),
    fc.uint8Array(),
  );
  const options = fc.record({
    compressAboveBytes: fc.constantFrom(0, 10, Infinity),
    record: fc.constantFrom<ValueRecord | undefined>(undefined, { ...record, tags: {} }, {
      ...record,
      tags: { t: "v" },
    }),
  });
  await fc.assert(
    fc.asyncProperty(value, options, async (value, options) => {
      const stored = await roundTrip(value as EncodedValue, options);
      assert.ok(stored.kind === "value");
      assert.deepEqual(stored.value, typeof value === "string" ? value : new Uint8Array(value));
      assert.equal(stored.record?.staleMs, options.record?.staleMs);
    }),
    { numRuns: 500 },
  );
});

test("leases differ, and are told from a value and from nothing", async () => {
  const [one, other] = [newLease(), newLease()];
  assert.notDeepEqual(one, other);
  assert.deepEqual(await decodeFrame(one), { kind: "lease", frame: one });
  assert.deepEqual(await decodeFrame(NOTHING_FRAME), { kind: "nothing" });
});

test("what is damaged or not known throws", async () => {
  const frame = Buffer.from(await encodeFrame('"text that is compressed"', { ...ALWAYS, record }));
  const damaged = [
    Buffer.from("\0"),
    Buffer.from("\0X"),
    Buffer.from("\0V"),
    Buffer.from("\0N?"),
    newLease().subarray(0, 10),
    ...Array.from({ length: frame.length - 1 }, (_, i) => frame.subarray(0, i + 1)),
  ];
  for (const bytes of damaged) {
    await assert.rejects(async () => await decodeFrame(bytes), `${bytes.length} bytes`);
  }
});

test("a compressed value is not expanded beyond the largest value", async () => {
  const { deflateRawSync } = await import("node:zlib");
  const bomb = Buffer.concat([
    Buffer.from([0, 86, 3]),
    deflateRawSync(Buffer.alloc(64 * 2 ** 20 + 1)),
  ]);
  await assert.rejects(async () => await decodeFrame(bomb));
});
