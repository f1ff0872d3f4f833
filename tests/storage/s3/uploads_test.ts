import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { S3StorageProvider } from "../../../storage/adapters/s3.ts";
import { withS3 } from "../../support/s3.ts";
import { withStorage } from "../../support/s3_storage.ts";
import { findService, serviceTest } from "../../support/services.ts";

const testS3 = serviceTest(await findService("s3"));
const PART = 5_242_880;
/** Three parts, the last one not whole. */
const SIZE = 2 * PART + 1_234_567;
const PARTS = { partBytes: PART, partConcurrency: 2 };

testS3("a stream of unknown size goes up in parts, every byte of it", async (url) => {
  await withStorage(url, async (storage, bucket) => {
    const { body, sha256 } = randomStream(SIZE);
    const reports: number[] = [];
    const written = await storage.upload(bucket, "a/b", body, {
      contentType: "text/csv",
      metadata: { a: "1" },
      onProgress: (storedBytes) => reports.push(storedBytes),
    });
    assert.equal(written.size, SIZE);
    assert.match(written.etag, /-3$/, "not three parts");
    assert.equal(await digestOf(storage, bucket, "a/b"), sha256());
    const about = await storage.getMetadata(bucket, "a/b");
    assert.deepEqual([about.contentType, about.metadata], ["text/csv", { a: "1" }]);
    assert.deepEqual([about.size, about.etag], [SIZE, written.etag]);
    assert.equal(reports.length, 3);
    assert.equal(reports.at(-1), SIZE);
    assert.deepEqual(reports, reports.toSorted((a, b) => a - b));
  }, PARTS);
});

testS3("what fits into one part is one request, also if it just fits", async (url) => {
  await withStorage(url, async (storage, bucket) => {
    for (const size of [0, 1, PART - 1, PART]) {
      const { body, sha256 } = randomStream(size);
      const { etag } = await storage.upload(bucket, "a", body);
      assert.ok(!etag.includes("-"), etag);
      assert.equal(await digestOf(storage, bucket, "a"), sha256());
    }
    const { etag } = await storage.upload(bucket, "a", randomStream(PART + 1).body);
    assert.match(etag, /-2$/);
  }, PARTS);
});

testS3("metadata that is known only at the end is there when the object is", async (url) => {
  await withStorage(url, async (storage, bucket) => {
    const { body, sha256 } = randomStream(SIZE);
    const metadata = (): Record<string, string> => ({ sha256: sha256() });
    const seen: boolean[] = [];
    const onProgress = async (): Promise<void> => {
      seen.push(await storage.exists(bucket, "a"));
    };
    await storage.upload(bucket, "a", body, { metadata, onProgress, contentType: "text/csv" });
    const about = await storage.getMetadata(bucket, "a");
    assert.deepEqual(about.metadata, { sha256: sha256() });
    assert.equal(about.contentType, "text/csv");
    assert.equal(await digestOf(storage, bucket, "a"), sha256());
    assert.ok(!seen.includes(true), "the object was there too early");
    await storage.close();
    assert.deepEqual(await leftovers(url, bucket), { objects: ["a"], uploads: 0 });
  }, PARTS);
});

testS3("conditions hold in parts, with known metadata and without", async (url) => {
  await withStorage(url, async (storage, bucket) => {
    for (const metadata of [{ a: "1" }, () => ({ a: "1" })]) {
      const key = `key-${typeof metadata}`;
      const create = (): Promise<unknown> =>
        storage.upload(bucket, key, randomStream(PART + 1).body, { createOnly: true, metadata });
      const results = await Promise.allSettled([create(), create(), create()]);
      const codes = results.flatMap((it) => it.status === "rejected" ? [it.reason.code] : []);
      assert.deepEqual(codes, ["already_exists", "already_exists"]);
      const { etag } = await storage.getMetadata(bucket, key);
      const replace = (): Promise<unknown> =>
        storage.upload(bucket, key, randomStream(PART + 2).body, { ifMatch: etag, metadata });
      const replaced = await Promise.allSettled([replace(), replace()]);
      const conflicts = replaced.flatMap((it) => it.status === "rejected" ? [it.reason.code] : []);
      assert.deepEqual(conflicts, ["conflict"]);
      assert.equal((await storage.getMetadata(bucket, key)).size, PART + 2);
    }
    await storage.close();
    assert.equal((await leftovers(url, bucket)).uploads, 0);
  }, PARTS);
});

testS3("a condition that does not hold is told before a large body is read", async (url) => {
  await withStorage(url, async (storage, bucket) => {
    await storage.upload(bucket, "a", "old");
    for (const options of [{ createOnly: true }, { ifMatch: "0".repeat(32) }]) {
      let readBytes = 0;
      const { body } = randomStream(20 * PART, (size) => readBytes += size);
      await assert.rejects(storage.upload(bucket, "a", body, options), {
        code: options.createOnly ? "already_exists" : "conflict",
        outcome: "not-applied",
      });
      assert.ok(readBytes < 3 * PART, `${readBytes} bytes were read`);
    }
  }, PARTS);
});

testS3("an upload in parts that fails leaves nothing, whoever ends it", async (url) => {
  await withStorage(url, async (storage, bucket) => {
    await storage.upload(bucket, "a", "old");
    const failing = randomStream(SIZE, (_, sent) => {
      if (sent > 2 * PART) throw new Error("the disk is gone");
    });
    await assert.rejects(storage.upload(bucket, "a", failing.body), { code: "internal" });
    const aborter = new AbortController();
    const aborted = storage.upload(bucket, "a", randomStream(SIZE).body, {
      signal: aborter.signal,
      onProgress: () => aborter.abort(),
    });
    await assert.rejects(aborted, { code: "aborted", outcome: "not-applied" });
    const late = storage.upload(bucket, "a", stuckStream(PART + 1), { timeoutMs: 500 });
    await assert.rejects(late, { code: "timeout", outcome: "not-applied" });
    const wrongSize = storage.upload(bucket, "a", randomStream(SIZE).body, { size: SIZE + 1 });
    await assert.rejects(wrongSize, { code: "invalid_input" });
    assert.equal(new TextDecoder().decode(await storage.download(bucket, "a")), "old");
    await storage.close();
    assert.deepEqual(await leftovers(url, bucket), { objects: ["a"], uploads: 0 });
  }, PARTS);
});

testS3("checksums are kept with the object where they are asked for", async (url) => {
  await withStorage(url, async (storage, bucket) => {
    await storage.upload(bucket, "small", "text");
    await storage.upload(bucket, "large", randomStream(SIZE).body);
    await withS3(url, async (client) => {
      const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
      for (const Key of ["small", "large"]) {
        const head = { Bucket: bucket, Key, ChecksumMode: "ENABLED" } as const;
        const { ChecksumSHA256 } = await client.send(new HeadObjectCommand(head));
        assert.ok(ChecksumSHA256, `none of ${Key}`);
      }
    });
  }, { ...PARTS, storeChecksums: true });
});

/** Random bytes, chunk by chunk, and their SHA-256 so far. */
function randomStream(
  size: number,
  onChunk: (size: number, sentBytes: number) => void = () => {},
): { body: ReadableStream<Uint8Array>; sha256: () => string } {
  const hash = createHash("sha256");
  let left = size;
  const body = new ReadableStream<Uint8Array>({
    pull(controller): void {
      if (left === 0) return controller.close();
      const chunk = crypto.getRandomValues(new Uint8Array(Math.min(left, 65_536)));
      left -= chunk.byteLength;
      onChunk(chunk.byteLength, size - left);
      hash.update(chunk);
      controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
  return { body, sha256: () => hash.copy().digest("hex") };
}

/** Some bytes, and then nothing, for ever. */
function stuckStream(size: number): ReadableStream<Uint8Array> {
  let isSent = false;
  return new ReadableStream({
    pull(controller): void | Promise<void> {
      if (isSent) return new Promise(() => {});
      isSent = true;
      controller.enqueue(new Uint8Array(size));
    },
  });
}

async function digestOf(storage: S3StorageProvider, bucket: string, key: string): Promise<string> {
  const hash = createHash("sha256");
  const { body } = await storage.downloadStream(bucket, key);
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    hash.update(next.value);
  }
  return hash.digest("hex");
}

/** What a bucket really holds. */
async function leftovers(
  url: string,
  bucket: string,
): Promise<{ objects: string[]; uploads: number }> {
  return await withS3(url, async (client) => {
    const s3 = await import("@aws-sdk/client-s3");
    const { Contents = [] } = await client.send(new s3.ListObjectsV2Command({ Bucket: bucket }));
    const list = new s3.ListMultipartUploadsCommand({ Bucket: bucket });
    const { Uploads = [] } = await client.send(list);
    return { objects: Contents.map(({ Key = "" }) => Key), uploads: Uploads.length };
  });
}
