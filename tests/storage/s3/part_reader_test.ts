import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FilledPart, PartReader } from "../../../storage/adapters/s3/part_reader.ts";

const encoder = new TextEncoder();
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Chunks that tell how many were asked for, and whether they were ended. */
class Chunks implements AsyncIterable<Uint8Array> {
  readonly #rest: Uint8Array[];
  asked = 0;
  ended = false;

  constructor(texts: readonly string[]) {
    this.#rest = texts.map((text) => encoder.encode(text));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        this.asked++;
        const chunk = this.#rest.shift();
        if (!chunk) return;
        yield await Promise.resolve(chunk);
      }
    } finally {
      this.ended = true;
    }
  }
}

async function readAll(reader: PartReader, partBytes: number): Promise<Uint8Array[]> {
  const { bytes, isLast } = await reader.first();
  const parts = [bytes];
  const bufferOf = (): Uint8Array => new Uint8Array(partBytes);
  for (let part = await reader.fill(bufferOf); part; part = await reader.fill(bufferOf)) {
    assert.equal(part.number, parts.length + 1);
    parts.push(part.bytes);
  }
  assert.equal(isLast, parts.length === 1);
  return parts;
}

test("however a body is cut, its parts are its bytes, and all but the last have one size", async () => {
  const cuts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 12 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(cuts, fc.integer({ min: 1, max: 10 }), async (chunks, partBytes) => {
      const source = (async function* (): AsyncGenerator<Uint8Array> {
        yield* chunks;
      })();
      const parts = await readAll(new PartReader(source, partBytes), partBytes);
      const all = chunks.flatMap((chunk) => [...chunk]);
      assert.deepEqual(parts.flatMap((part) => [...part]), all);
      const last = parts.pop() as Uint8Array;
      for (const part of parts) assert.equal(part.byteLength, partBytes);
      assert.ok(last.byteLength <= partBytes);
      assert.ok(last.byteLength > 0 || parts.length === 0);
    }),
    { numRuns: 300 },
  );
});

test("nothing is read before it is asked for, and one chunk behind a part at most", async () => {
  const chunks = new Chunks(["ab", "cd", "ef", "gh"]);
  const reader = new PartReader(chunks, 2);
  assert.equal(chunks.asked, 0);
  assert.deepEqual(await reader.first(), { bytes: encoder.encode("ab"), isLast: false });
  assert.equal(chunks.asked, 2);
  await reader.fill(() => new Uint8Array(2));
  assert.equal(chunks.asked, 2);
});

test("the first part takes no more memory than there are bytes", async () => {
  const small = await new PartReader(new Chunks(["a", "b"]), 1_000_000).first();
  assert.equal(small.bytes.buffer.byteLength, 2);
  assert.ok(small.isLast);
  const empty = await new PartReader(new Chunks([]), 1_000_000).first();
  assert.deepEqual(empty, { bytes: new Uint8Array(), isLast: true });
});

test("parts are filled in the buffers that are given, one after the other", async () => {
  const reader = new PartReader(new Chunks(["abc", "defgh"]), 3);
  await reader.first();
  const buffers = [new Uint8Array(3), new Uint8Array(3)];
  const [one, two] = await Promise.all(buffers.map((buffer) => reader.fill(() => buffer)));
  assert.deepEqual([one?.number, two?.number], [2, 3]);
  assert.deepEqual([one, two].map((part) => text(part!.bytes)), ["def", "gh"]);
  assert.deepEqual([one?.bytes.buffer, two?.bytes.buffer], buffers.map(({ buffer }) => buffer));
});

test("many who fill at once get every byte once, in the order in which they asked", async () => {
  const letters = "abcdefghijklmnopqrstuvwxyz";
  const reader = new PartReader(new Chunks([...letters]), 3);
  await reader.first();
  const filled = await Promise.all(
    Array.from({ length: 12 }, () => reader.fill(() => new Uint8Array(3))),
  );
  const parts = filled.filter((part): part is FilledPart => part !== undefined);
  assert.equal(parts.map(({ bytes }) => text(bytes)).join(""), letters.slice(3));
  assert.deepEqual(parts.map(({ number }) => number), [2, 3, 4, 5, 6, 7, 8, 9]);
});

test("at the end no buffer is asked for", async () => {
  const reader = new PartReader(new Chunks(["ab"]), 2);
  assert.ok((await reader.first()).isLast);
  const noBuffer = (): never => assert.fail("nothing is there to be filled");
  assert.deepEqual(await Promise.all([reader.fill(noBuffer), reader.fill(noBuffer)]), [
    undefined,
    undefined,
  ]);
});

test("a failure of the body is that of the call that met it, and the body has ended", async () => {
  const failure = new Error("the source broke");
  const source = (async function* (): AsyncGenerator<Uint8Array> {
    yield encoder.encode("abc");
    throw failure;
  })();
  const reader = new PartReader(source, 2);
  await reader.first();
  const buffer = (): Uint8Array => new Uint8Array(2);
  const [met, behind] = await Promise.allSettled([reader.fill(buffer), reader.fill(buffer)]);
  assert.equal(met?.status === "rejected" && met.reason, failure);
  assert.deepEqual(behind, { status: "fulfilled", value: undefined });
});

test("close() ends the body; only what was read already is left", async () => {
  const chunks = new Chunks(["ab", "cd", "ef"]);
  const reader = new PartReader(chunks, 2);
  await reader.first();
  reader.close();
  const buffer = (): Uint8Array => new Uint8Array(2);
  assert.equal(text((await reader.fill(buffer))!.bytes), "cd");
  assert.equal(await reader.fill(buffer), undefined);
  assert.ok(chunks.ended);
});
