import assert from "node:assert/strict";
import {
  downloadText,
  outcomes,
  refuses,
  rejectsWith,
  type StorageCase,
  streamOf,
} from "./case.ts";

/** The section "Writing" of the specification, without the conditions. */
export const writingCases: readonly StorageCase[] = [
  {
    sentence: "a string, bytes, a Blob and a stream can be uploaded",
    async run(storage, bucket) {
      const bytes = new TextEncoder().encode("héllo");
      const view = new Uint8Array([0, ...bytes, 0]).subarray(1, -1);
      const streams = [streamOf(["hé", "", "llo"]), streamOf(["héllo"])];
      for (const body of ["héllo", bytes, view, new Blob(["héllo"]), ...streams]) {
        const { size, etag } = await storage.upload(bucket, "key", body);
        assert.equal(size, 6);
        assert.equal((await storage.getMetadata(bucket, "key")).etag, etag);
        assert.equal(await downloadText(storage, bucket, "key"), "héllo");
      }
      for (const body of ["", new Uint8Array(), new Blob([]), streamOf([])]) {
        assert.equal((await storage.upload(bucket, "empty", body)).size, 0);
        assert.equal((await storage.download(bucket, "empty")).byteLength, 0);
      }
    },
  },
  {
    sentence: "every byte is kept",
    async run(storage, bucket) {
      const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
      await storage.upload(bucket, "key", bytes);
      const kept = await storage.download(bucket, "key");
      bytes.forEach((byte, i) => byte === kept[i] || assert.fail(`byte ${i} differs`));
      assert.equal(kept.byteLength, bytes.byteLength);
    },
  },
  {
    sentence: "content type and metadata are kept",
    async run(storage, bucket) {
      const before = Date.now();
      const metadata = { name: "value", "a.b-c_1": '"quoted" \\ ~', constructor: "own" };
      await storage.upload(bucket, "key", "{}", { contentType: "application/json", metadata });
      const found = await storage.getMetadata(bucket, "key");
      assert.equal(found.key, "key");
      assert.equal(found.size, 2);
      assert.equal(found.contentType, "application/json");
      assert.deepEqual({ ...found.metadata }, metadata);
      assert.ok(Math.abs(found.lastModified.getTime() - before) < 60_000);
      await storage.upload(bucket, "blob", new Blob(["a"], { type: "image/png" }));
      assert.equal((await storage.getMetadata(bucket, "blob")).contentType, "image/png");
      await storage.upload(bucket, "bytes", new Uint8Array(1));
      const { contentType } = await storage.getMetadata(bucket, "bytes");
      assert.equal(contentType, "application/octet-stream");
    },
  },
  {
    sentence: "metadata from a function is asked for once, after the last byte was read",
    async run(storage, bucket) {
      const events: string[] = [];
      const body = streamOf(["a", "b"]).pipeThrough(
        new TransformStream({ flush: () => void events.push("end") }),
      );
      const metadata = (): Record<string, string> => {
        events.push("metadata");
        return { digest: "ab" };
      };
      await storage.upload(bucket, "key", body, { metadata });
      assert.deepEqual(events, ["end", "metadata"]);
      assert.equal((await storage.getMetadata(bucket, "key")).metadata["digest"], "ab");
    },
  },
  {
    sentence: "an upload replaces the object, its content type and its metadata at once",
    async run(storage, bucket) {
      const first = { contentType: "text/plain", metadata: { a: "1" } };
      const { etag } = await storage.upload(bucket, "key", "a longer text", first);
      const written = await storage.upload(bucket, "key", "short", { metadata: { b: "2" } });
      assert.notEqual(written.etag, etag);
      const found = await storage.getMetadata(bucket, "key");
      assert.equal(found.contentType, "application/octet-stream");
      assert.deepEqual({ ...found.metadata }, { b: "2" });
      assert.equal(await downloadText(storage, bucket, "key"), "short");
    },
  },
  {
    sentence: "readers see the old object or the new one, never a part of either",
    async run(storage, bucket) {
      const texts = ["a".repeat(200_000), "b".repeat(100_000)];
      await storage.upload(bucket, "key", texts[0] as string);
      let writing = true;
      const write = async (): Promise<void> => {
        for (let i = 1; i <= 20; i++) await storage.upload(bucket, "key", texts[i % 2] as string);
        writing = false;
      };
      const read = async (): Promise<void> => {
        while (writing) assert.ok(texts.includes(await downloadText(storage, bucket, "key")));
      };
      await Promise.all([write(), read(), read()]);
    },
  },
  {
    sentence:
      "a body that fails, is aborted, or has another size than declared leaves no object, and the old one stays",
    async run(storage, bucket) {
      await storage.upload(bucket, "old", "old");
      for (const key of ["new", "old"]) {
        const upload = (body: ReadableStream<Uint8Array>, options = {}): Promise<unknown> =>
          storage.upload(bucket, key, body, options);
        const failure = new Error("the source is gone");
        await assert.rejects(upload(streamOf(["a"], { failure })), {
          code: "internal",
          cause: failure,
        });
        const aborter = new AbortController();
        let cancelled = false;
        const onCancel = (): void => void (cancelled = true);
        const aborted = upload(streamOf(["a"], { stuck: true, onCancel }), {
          signal: aborter.signal,
        });
        aborter.abort();
        await assert.rejects(aborted, { code: "aborted", outcome: "not-applied" });
        assert.ok(cancelled, "the source was not cancelled");
        await refuses(upload(streamOf(["abc"]), { size: 4 }), "data");
        await refuses(upload(streamOf(["abc", "de"]), { size: 4 }), "data");
        await refuses(upload(streamOf(["a"]).pipeThrough(asNumbers())), "data");
        const metadata = (): never => assert.fail("metadata failed");
        await assert.rejects(upload(streamOf(["abc"]), { metadata }));
      }
      assert.equal(await storage.exists(bucket, "new"), false);
      assert.equal(await downloadText(storage, bucket, "old"), "old");
    },
  },
  {
    sentence: "a stream is cancelled or read to its end when its upload is refused",
    async run(storage, bucket) {
      let over = 0;
      const body = (): ReadableStream<Uint8Array> =>
        streamOf(["a"], { onCancel: () => over++, onEnd: () => over++ });
      await refuses(storage.upload(bucket, "../key", body()), "key");
      await rejectsWith(storage.upload("no-such-bucket", "key", body()), "not_found");
      const signal = AbortSignal.abort();
      await rejectsWith(storage.upload(bucket, "key", body(), { signal }), "aborted");
      assert.equal(over, 3);
      const locked = body();
      locked.getReader();
      await refuses(storage.upload(bucket, "key", locked), "data");
    },
  },
  {
    sentence: "of uploads to one key at the same time, one wins as a whole",
    async run(storage, bucket) {
      const letters = ["a", "b", "c", "d", "e", "f"];
      await Promise.all(letters.map((letter, i) => {
        const text = letter.repeat(50_000 + i);
        return storage.upload(bucket, "key", text, { metadata: { letter } });
      }));
      const text = await downloadText(storage, bucket, "key");
      const { metadata, size } = await storage.getMetadata(bucket, "key");
      assert.equal(text, (metadata["letter"] as string).repeat(size));
    },
  },
  {
    sentence: "progress tells the bytes that are stored so far: growing, and the size in the end",
    async run(storage, bucket) {
      const halves = ["12345".repeat(40_000), "67890".repeat(40_000)];
      for (const body of [halves.join(""), new Blob(halves), streamOf(halves)]) {
        const reports: number[] = [];
        const onProgress = (storedBytes: number): void => void reports.push(storedBytes);
        await storage.upload(bucket, "key", body, { onProgress });
        assert.deepEqual(reports, [...new Set(reports)].sort((a, b) => a - b));
        assert.equal(reports.at(-1), 400_000);
      }
      const onProgress = (): void => {
        throw new Error("the display is broken");
      };
      await storage.upload(bucket, "key", "kept", { onProgress });
      await refuses(storage.upload(bucket, "key", "x", { onProgress: 1 as never }), "onProgress");
      assert.equal(await downloadText(storage, bucket, "key"), "kept");
    },
  },
  {
    sentence: "a copy keeps content type and metadata; a copy onto itself changes no bytes",
    async run(storage, bucket) {
      const other = `${bucket}-2`;
      await storage.createBucket(other);
      const about = { contentType: "text/plain", metadata: { a: "1" } };
      await storage.upload(bucket, "odd key/é+?", "text", about);
      await storage.upload(other, "b", "to be replaced");
      const { etag, size } = await storage.copy(bucket, "odd key/é+?", other, "b");
      assert.equal(size, 4);
      const found = await storage.getMetadata(other, "b");
      assert.equal(found.etag, etag);
      assert.equal(found.contentType, "text/plain");
      assert.deepEqual({ ...found.metadata }, { a: "1" });
      assert.equal(await downloadText(storage, other, "b"), "text");
      await storage.copy(other, "b", other, "b");
      assert.equal(await downloadText(storage, other, "b"), "text");
      assert.deepEqual({ ...(await storage.getMetadata(other, "b")).metadata }, { a: "1" });
      await rejectsWith(storage.copy(bucket, "missing", other, "b"), "not_found");
      assert.equal(await downloadText(storage, other, "b"), "text");
    },
  },
  {
    sentence: "deleting a missing key succeeds",
    async run(storage, bucket) {
      await storage.upload(bucket, "key", "x");
      await storage.delete(bucket, "key");
      await storage.delete(bucket, "key");
      await storage.delete(bucket, "never/there");
      assert.equal(await storage.exists(bucket, "key"), false);
    },
  },
  {
    sentence:
      "a batch of any size gives one result for each key, in the order of the keys, repeated ones too",
    async run(storage, bucket) {
      assert.deepEqual(await storage.deleteBatch(bucket, []), []);
      const kept = ["b", "d/e"];
      for (const key of ["a", ...kept, "d/f"]) await storage.upload(bucket, key, key);
      const many = Array.from({ length: 1_500 }, (_, i) => `missing/${i}`);
      const keys = ["d/f", "a", "missing", "a", ...many];
      const results = await storage.deleteBatch(bucket, keys);
      assert.deepEqual(results, keys.map((key) => ({ key, deleted: true })));
      const { items } = await storage.listObjects(bucket);
      assert.deepEqual(items.map(({ key }) => key), kept);
    },
  },
  {
    sentence: "writers and deleters of neighbouring keys do not disturb each other",
    async run(storage, bucket) {
      const work = Array.from({ length: 8 }, async (_, writer) => {
        for (let i = 0; i < 10; i++) {
          await storage.upload(bucket, `a/b/c/${writer}`, `${i}`);
          assert.equal(await downloadText(storage, bucket, `a/b/c/${writer}`), `${i}`);
          await storage.delete(bucket, `a/b/c/${writer}`);
        }
      });
      assert.deepEqual(await outcomes(work), { fulfilled: 8, codes: [] });
      assert.deepEqual((await storage.listObjects(bucket)).items, []);
    },
  },
];

function asNumbers(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform: (_, controller) => controller.enqueue(7 as unknown as Uint8Array),
  });
}
