import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StorageError } from "../../core/errors.ts";
import {
  bodySize,
  bodyStream,
  checkBody,
  digestBody,
  orCancel,
  readBody,
  reportChunks,
} from "../../storage/body.ts";
import { sha256Hex } from "../../storage/digest.ts";
import type { StorageBody } from "../../storage/storage.ts";
import { streamOf } from "../conformance/storage/case.ts";

const { signal } = new AbortController();

async function readAll(data: StorageBody, size?: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of readBody(data, { size, signal })) {
    assert.ok(chunk.byteLength > 0);
    chunks.push(new Uint8Array(chunk));
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

test("readBody() gives the same bytes for every kind of body", async () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 10 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(chunks, async (parts) => {
      const blob = new Blob(parts.map((part) => new Uint8Array(part)));
      const bytes = new Uint8Array(await blob.arrayBuffer());
      const stream = new ReadableStream<Uint8Array>({
        start(controller): void {
          for (const part of parts) controller.enqueue(part);
          controller.close();
        },
      });
      for (const body of [blob, bytes, stream, bodyStream(bytes)]) {
        assert.deepEqual(await readAll(body, bytes.byteLength), bytes);
      }
    }),
    { numRuns: 50 },
  );
});

test("readBody() encodes a string as UTF-8", async () => {
  assert.deepEqual(await readAll("é😀"), new TextEncoder().encode("é😀"));
  assert.equal(new TextDecoder().decode(await readAll(bodyStream("é😀"))), "é😀");
});

test("readBody() refuses a body of another size than declared", async () => {
  for (const size of [0, 2, 4]) {
    await assert.rejects(readAll(streamOf(["a", "bc"]), size), { field: "data" });
    await assert.rejects(readAll("abc", size), { field: "data" });
  }
});

test("readBody() wraps the failure of a source, but not an error of this library", async () => {
  const failure = new Error("gone");
  await assert.rejects(readAll(streamOf([], { failure })), { code: "internal", cause: failure });
  const own = new StorageError("Cannot go on", { code: "corrupted", operation: "test" });
  await assert.rejects(readAll(streamOf([], { failure: own })), own);
});

test("readBody() cancels the source when the reader stops early", async () => {
  let cancelled = false;
  const source = streamOf(["a", "b"], { onCancel: () => void (cancelled = true) });
  for await (const _ of readBody(source, { signal })) break;
  assert.ok(cancelled);
});

test("readBody() ends with the reason of the signal, also while the source is stuck", async () => {
  const aborter = new AbortController();
  const source = streamOf([], { stuck: true });
  const next = readBody(source, { signal: aborter.signal }).next();
  const reason = new Error("enough");
  aborter.abort(reason);
  await assert.rejects(next, reason);
});

test("digestBody() tells digest and size of every kind of body", async () => {
  const bodies = ["é", new TextEncoder().encode("é"), new Blob(["é"]), streamOf(["", "é"])];
  for (const body of bodies) {
    assert.deepEqual(await digestBody(body, { signal }), { sha256: sha256Hex("é"), size: 2 });
  }
  await assert.rejects(digestBody("é", { size: 1, signal }), { field: "data" });
});

test("bodySize() knows the size of everything but a stream", () => {
  const sizes = ["é", new Uint8Array(3), new Blob(["abcd"]), streamOf([])].map(bodySize);
  assert.deepEqual(sizes, [2, 3, 4, undefined]);
});

test("checkBody() refuses what has no bytes", () => {
  for (const data of [undefined, null, 1, {}, [1], new Date(), "\ud800"]) {
    assert.throws(() => checkBody(data), { field: "data" });
  }
});

test("orCancel() cancels an unread stream when the upload fails", async () => {
  let cancelled = false;
  const source = streamOf(["a"], { onCancel: () => void (cancelled = true) });
  const failure = new Error("refused");
  await assert.rejects(orCancel(source, Promise.reject(failure)), failure);
  assert.ok(cancelled);
  assert.equal(await orCancel("text", Promise.resolve(1)), 1);
});

test("reportChunks() passes chunks on, and reports each when the next one is asked for", async () => {
  const told: number[] = [];
  const source = readBody(streamOf(["a", "bc", "d"]), { signal });
  const chunks = reportChunks(source, (storedBytes) => void told.push(storedBytes));
  const texts: string[] = [];
  const toldBefore: number[][] = [];
  for await (const chunk of chunks) {
    texts.push(new TextDecoder().decode(chunk));
    toldBefore.push([...told]);
  }
  assert.deepEqual(texts, ["a", "bc", "d"]);
  assert.deepEqual(toldBefore, [[], [1], [1, 3]]);
  assert.deepEqual(told, [1, 3, 4]);
});

test("reportChunks() ends the source when the reader stops early", async () => {
  const told: number[] = [];
  let cancelled = false;
  const stream = streamOf(["a", "b"], { onCancel: () => void (cancelled = true) });
  const source = readBody(stream, { signal });
  for await (const _ of reportChunks(source, (storedBytes) => void told.push(storedBytes))) break;
  assert.ok(cancelled);
  assert.deepEqual(told, []);
});
