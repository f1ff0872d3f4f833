import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describingHeaders,
  marked,
  readHeaders,
} from "../../../storage/adapters/s3/object_headers.ts";

const MODIFIED = "Fri, 24 May 2013 00:00:00 GMT";

test("describingHeaders() writes what readHeaders() reads, and the mark apart", () => {
  const written = describingHeaders("text/plain", { "a.b_c-d": "1 2", x: "~" }, "mark");
  assert.deepEqual(written, {
    "content-type": "text/plain",
    "x-amz-meta-a.b_c-d": "1 2",
    "x-amz-meta-x": "~",
    "x-amz-meta-exchange-write": "mark",
  });
  const answered = { "content-length": "5", etag: '"e"', "last-modified": MODIFIED };
  assert.deepEqual(readHeaders("key", new Headers({ ...written, ...answered })), {
    key: "key",
    size: 5,
    etag: "e",
    lastModified: new Date(MODIFIED),
    contentType: "text/plain",
    metadata: { "a.b_c-d": "1 2", x: "~" },
    mark: "mark",
  });
});

test("without a mark there is none", () => {
  assert.deepEqual(describingHeaders("a/b", {}, undefined), { "content-type": "a/b" });
  const metadata = { a: "1" };
  assert.deepEqual(marked(metadata, undefined), metadata);
  assert.deepEqual(marked(metadata, "m"), { a: "1", "exchange-write": "m" });
  assert.deepEqual(metadata, { a: "1" });
  assert.equal(readHeaders("key", new Headers({ "content-length": "0" }))?.mark, undefined);
});

test("readHeaders() knows what objects are that do not say it", () => {
  assert.deepEqual(readHeaders("key", new Headers({ "content-length": "0" })), {
    key: "key",
    size: 0,
    etag: "",
    lastModified: new Date(0),
    contentType: "application/octet-stream",
    metadata: {},
    mark: undefined,
  });
});

test("readHeaders() tells the size of the object, not of the part that was asked for", () => {
  const part = { "content-length": "2", "content-range": "bytes 3-4/10" };
  assert.equal(readHeaders("key", new Headers(part))?.size, 10);
});

test("readHeaders() gives nothing if the size is not known", () => {
  const unknown: Record<string, string>[] = [
    {},
    { "content-range": "bytes 0-1/*", "content-length": "2" },
    { "content-range": "bytes 0-1", "content-length": "2" },
  ];
  for (const headers of unknown) assert.equal(readHeaders("key", new Headers(headers)), undefined);
});
