import assert from "node:assert/strict";
import { test } from "node:test";
import { type ByteSource, collect, readStream } from "../../storage/read_stream.ts";

interface Probe extends ByteSource {
  reads: number;
  closes: number;
}

function probe(size: number, read?: ByteSource["read"]): Probe {
  const source: Probe = {
    reads: 0,
    closes: 0,
    read(position, length): Promise<Uint8Array<ArrayBuffer>> {
      source.reads++;
      if (read) return read(position, length);
      return Promise.resolve(new Uint8Array(Math.min(length, size - position)).fill(7));
    },
    close(): Promise<void> {
      source.closes++;
      return Promise.resolve();
    },
  };
  return source;
}

const MIB = 1_048_576;

test("readStream() reads only when it is asked to", async () => {
  const source = probe(8 * MIB);
  const reader = readStream("downloadStream", source, { start: 0, end: 8 * MIB }, []).getReader();
  for (const reads of [0, 1, 2]) {
    // What a stream reads ahead, it has read after a turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve));
    assert.equal(source.reads, reads);
    await reader.read();
  }
  await reader.cancel();
  assert.deepEqual([source.reads, source.closes], [3, 1]);
});

test("readStream() gives exactly the span and closes its source", async () => {
  for (const span of [{ start: 0, end: 0 }, { start: 3, end: 4 }, { start: 5, end: 2 * MIB }]) {
    const source = probe(3 * MIB);
    const body = readStream("download", source, span, []);
    assert.equal((await collect(body, span.end - span.start)).byteLength, span.end - span.start);
    assert.equal(source.closes, 1);
  }
});

test("readStream() fails with an IntegrityError if the source ends early", async () => {
  const source = probe(10);
  const body = readStream("download", source, { start: 0, end: 11 }, []);
  await assert.rejects(collect(body, 11), { code: "corrupted" });
  assert.equal(source.closes, 1);
});

test("readStream() passes the failure of its source on and closes it", async () => {
  const failure = new Error("read failed");
  const source = probe(10, () => Promise.reject(failure));
  await assert.rejects(
    collect(readStream("download", source, { start: 0, end: 10 }, []), 10),
    failure,
  );
  assert.equal(source.closes, 1);
});

test("readStream() ends at a signal, also while a read is stuck", async () => {
  const aborter = new AbortController();
  const source = probe(10, () => new Promise(() => {}));
  const signals = [new AbortController().signal, aborter.signal];
  const reader = readStream("downloadStream", source, { start: 0, end: 10 }, signals).getReader();
  const reading = reader.read();
  aborter.abort();
  await assert.rejects(reading, { code: "aborted" });
  assert.equal(source.closes, 1);
});

test("readStream() with an aborted signal fails at once and closes its source", async () => {
  const source = probe(10);
  const signals = [AbortSignal.abort()];
  const reader = readStream("downloadStream", source, { start: 0, end: 10 }, signals).getReader();
  await assert.rejects(reader.read(), { code: "aborted" });
  assert.deepEqual([source.reads, source.closes], [0, 1]);
});

test("collect() refuses a stream of another size", async () => {
  const body = (): ReadableStream<Uint8Array<ArrayBuffer>> => new Blob(["abc"]).stream();
  await assert.rejects(collect(body(), 2), { code: "corrupted" });
  await assert.rejects(collect(body(), 4), { code: "corrupted" });
  assert.equal((await collect(body(), 3)).byteLength, 3);
});
