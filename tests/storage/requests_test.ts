import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkAddress,
  checkBatch,
  checkDownload,
  checkPresign,
  checkPresignPost,
  checkUpload,
} from "../../storage/requests.ts";
import type { PresignOptions, PresignPostOptions, UploadOptions } from "../../storage/storage.ts";
import { streamOf } from "../conformance/storage/case.ts";

const { signal } = new AbortController();

test("checkAddress() names the fields that it is told", () => {
  assert.deepEqual(checkAddress("bucket", "key"), { bucket: "bucket", key: "key" });
  const fields = ["sourceBucket", "sourceKey"] as const;
  assert.throws(() => checkAddress("B", "key", fields), { field: "sourceBucket" });
  assert.throws(() => checkAddress("bucket", "", fields), { field: "sourceKey" });
});

test("checkUpload() knows the size of what it can, and believes what is declared", () => {
  const size = (data: string | ReadableStream<Uint8Array>, options: UploadOptions): unknown =>
    checkUpload(data, options, signal).size;
  assert.equal(size("é", {}), 2);
  assert.equal(size(streamOf([]), {}), undefined);
  assert.equal(size(streamOf([]), { size: 5 }), 5);
  assert.throws(() => size("a", { size: 0.5 }), { field: "size" });
});

test("checkUpload() checks metadata at once, and that of a function when it is asked for", () => {
  const bad = { name: "é" };
  assert.throws(() => checkUpload("", { metadata: bad }, signal), { field: "metadata.name" });
  const request = checkUpload("", { metadata: () => bad }, signal);
  assert.throws(() => request.metadata(), { field: "metadata.name" });
  const failure = new Error("no digest");
  const metadata = (): never => {
    throw failure;
  };
  const failing = checkUpload("", { metadata }, signal);
  assert.throws(() => failing.metadata(), { code: "internal", cause: failure });
});

test("checkUpload() knows metadata beforehand unless a function gives it", () => {
  assert.deepEqual(checkUpload("", { metadata: { a: "1" } }, signal).knownMetadata, { a: "1" });
  assert.deepEqual(checkUpload("", {}, signal).knownMetadata, {});
  let asked = 0;
  const metadata = (): { a: string } => ({ a: String(++asked) });
  const request = checkUpload("", { metadata }, signal);
  assert.deepEqual([request.knownMetadata, asked], [undefined, 0]);
  assert.deepEqual(request.metadata(), { a: "1" });
});

test("checkUpload() tells progress, and does not care what becomes of it", () => {
  const told: number[] = [];
  const onProgress = (storedBytes: number): void => {
    told.push(storedBytes);
    throw new Error("the display is broken");
  };
  const { progress } = checkUpload("", { onProgress }, signal);
  progress(1);
  progress(3);
  assert.deepEqual(told, [1, 3]);
  checkUpload("", {}, signal).progress(1);
  const notCallable = "log" as unknown as () => void;
  assert.throws(() => checkUpload("", { onProgress: notCallable }, signal), {
    field: "onProgress",
  });
});

test("checkUpload() takes one condition at most", () => {
  const both = { createOnly: true, ifMatch: "e" };
  assert.throws(() => checkUpload("", both, signal), { field: "ifMatch" });
  assert.throws(() => checkUpload("", { ifMatch: "" }, signal), { field: "ifMatch" });
  assert.equal(checkUpload("", {}, signal).createOnly, false);
});

test("checkDownload() refuses bad ranges and etags", () => {
  assert.throws(() => checkDownload({ range: { offset: -1 } }, []), { field: "range.offset" });
  assert.throws(() => checkDownload({ ifMatch: "" }, []), { field: "ifMatch" });
});

test("checkBatch() names the bad key by its index", () => {
  assert.throws(() => checkBatch("bucket", ["a", "b", "/c"]), { field: "keys[2]" });
  assert.throws(() => checkBatch("bucket", "a" as unknown as string[]), { field: "keys" });
});

test("checkPresign() bounds how long a URL works, and what it allows", () => {
  const request = { expiresInMs: 900_000, method: "GET", contentType: undefined };
  assert.deepEqual(checkPresign({}), request);
  for (const expiresInMs of [0, -1, 999, 604_800_001, NaN, Infinity, 1_500.5]) {
    assert.throws(() => checkPresign({ expiresInMs }), { field: "expiresInMs" });
  }
  const method = "DELETE" as PresignOptions["method"];
  assert.throws(() => checkPresign({ ...(method && { method }) }), { field: "method" });
  assert.throws(() => checkPresign({ contentType: "a/b" }), { field: "contentType" });
  assert.throws(() => checkPresign({ method: "PUT", contentType: "a" }), { field: "contentType" });
  assert.equal(checkPresign({ method: "PUT", contentType: "a/b" }).contentType, "a/b");
});

test("checkPresignPost() bounds how long a form works, and how large its file is", () => {
  assert.deepEqual(checkPresignPost({ maxBytes: 5 }), {
    expiresInMs: 900_000,
    contentType: "application/octet-stream",
    minBytes: 0,
    maxBytes: 5,
  });
  const all = { expiresInMs: 1_000, contentType: "a/b", minBytes: 5, maxBytes: 5 };
  assert.deepEqual(checkPresignPost(all), all);
  const bad: readonly [string, Partial<PresignPostOptions>][] = [
    ["maxBytes", { maxBytes: undefined as unknown as number }],
    ["maxBytes", { maxBytes: -1 }],
    ["maxBytes", { maxBytes: 0.5 }],
    ["maxBytes", { maxBytes: 5_368_709_121 }],
    ["maxBytes", { minBytes: 2, maxBytes: 1 }],
    ["minBytes", { minBytes: -1 }],
    ["minBytes", { minBytes: NaN }],
    ["expiresInMs", { expiresInMs: 999 }],
    ["expiresInMs", { expiresInMs: 604_800_001 }],
    ["contentType", { contentType: "a" }],
  ];
  for (const [field, options] of bad) {
    assert.throws(() => checkPresignPost({ maxBytes: 1, ...options }), { field }, field);
  }
});
