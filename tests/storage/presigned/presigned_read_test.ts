import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStorageProvider } from "../../../storage/adapters/memory.ts";
import { answerRead } from "../../../storage/presigned/presigned_read.ts";
import type { DownloadOptions, ObjectStream } from "../../../storage/storage.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";

const clock = new ManualClock();

async function open(
  storage = new MemoryStorageProvider({ clock }),
): Promise<MemoryStorageProvider> {
  await storage.createBucket("bucket");
  await storage.upload("bucket", "a", "0123456789", { contentType: "text/plain" });
  return storage;
}

function read(
  storage: MemoryStorageProvider,
  headers: Record<string, string> = {},
  key = "a",
): Promise<Response> {
  return answerRead(storage, { bucket: "bucket", key }, new Headers(headers));
}

async function summary(response: Response): Promise<unknown[]> {
  return [response.status, response.headers.get("content-range"), await response.text()];
}

test("a GET gives the object, its type, its version, and nothing that a browser would run", async () => {
  const storage = await open();
  const { etag } = await storage.getMetadata("bucket", "a");
  const response = await read(storage);
  assert.equal(response.status, 200);
  assert.deepEqual(Object.fromEntries(response.headers), {
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    "content-length": "10",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "content-type": "text/plain",
    "etag": `"${etag}"`,
    "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  assert.equal(await response.text(), "0123456789");
});

test("a GET gives the range that it asks for, or says that there is none", async () => {
  const storage = await open();
  await storage.upload("bucket", "empty", "");
  const get = async (range: string, key = "a"): Promise<unknown> =>
    await summary(await read(storage, { range }, key));
  assert.deepEqual(await get("bytes=2-4"), [206, "bytes 2-4/10", "234"]);
  assert.deepEqual(await get("bytes=-3"), [206, "bytes 7-9/10", "789"]);
  assert.deepEqual(await get("bytes=4-"), [206, "bytes 4-9/10", "456789"]);
  assert.deepEqual(await get("bytes=0-1,4-5"), [200, null, "0123456789"]);
  const beyond = (size: number) => ({
    status: 416,
    headers: { "content-range": `bytes */${size}` },
  });
  await assert.rejects(get("bytes=10-"), beyond(10));
  await assert.rejects(get("bytes=0-", "empty"), beyond(0));
  const part = await read(storage, { range: "bytes=2-4" });
  assert.equal(part.headers.get("content-length"), "3");
  assert.equal(part.headers.get("etag"), (await read(storage)).headers.get("etag"));
});

test("a GET with conditions reads only when they hold", async () => {
  const storage = await open();
  const etag = `"${(await storage.getMetadata("bucket", "a")).etag}"`;
  const known = await read(storage, { "if-none-match": etag });
  assert.deepEqual([known.status, known.headers.get("etag"), known.body], [304, etag, null]);
  await storage.upload("bucket", "a", "new");
  const get = async (headers: Record<string, string>): Promise<unknown> =>
    await summary(await read(storage, headers));
  assert.deepEqual(await get({ "if-none-match": etag }), [200, null, "new"]);
  assert.deepEqual(await get({ "if-range": etag, range: "bytes=1-1" }), [200, null, "new"]);
  await assert.rejects(get({ "if-match": etag }), { status: 412 });
});

test("a range is never of another version than its headers say", async () => {
  class ReplacedMeanwhile extends MemoryStorageProvider {
    override async downloadStream(
      bucket: string,
      key: string,
      options?: DownloadOptions,
    ): Promise<ObjectStream> {
      if (options?.range && !replaced) {
        replaced = true;
        await this.upload("bucket", "a", "another");
      }
      return await super.downloadStream(bucket, key, options);
    }
  }
  let replaced = false;
  const storage = await open(new ReplacedMeanwhile({ clock }));
  const response = await read(storage, { range: "bytes=-3" });
  const { etag } = await storage.getMetadata("bucket", "a");
  assert.equal(response.headers.get("etag"), `"${etag}"`);
  assert.deepEqual(await summary(response), [206, "bytes 4-6/7", "her"]);
});
