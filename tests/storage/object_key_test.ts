import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ValidationError } from "../../core/errors.ts";
import {
  checkBucket,
  checkObjectKey,
  checkObjectPrefix,
  keyFromBytes,
  keyToBytes,
} from "../../storage/object_key.ts";
import { BAD_KEYS, ODD_KEYS } from "../conformance/storage/keys.ts";

test("checkObjectKey() refuses every bad key and names the field", () => {
  assert.ok(new Set(BAD_KEYS).size >= 60);
  for (const key of BAD_KEYS) {
    assert.throws(() => checkObjectKey("destinationKey", key), { field: "destinationKey" }, key);
  }
  for (const key of [undefined, null, 1, {}, ["a"]]) {
    assert.throws(() => checkObjectKey("key", key), ValidationError);
  }
});

test("checkObjectKey() refuses what is reserved, and nothing that only looks like it", () => {
  for (const key of [".exchange/", ".exchange/a", ".exchange/probe/a"]) {
    assert.throws(() => checkObjectKey("key", key), { field: "key", message: /reserved/ }, key);
  }
  for (const key of [".exchange", ".exchanges/a", "a/.exchange/b", ".Exchange/a"]) {
    assert.equal(checkObjectKey("key", key), key);
  }
});

test("checkObjectKey() returns odd keys as they are", () => {
  for (const key of ODD_KEYS) assert.equal(checkObjectKey("key", key), key);
});

test("checkObjectKey() counts the bytes of UTF-8", () => {
  assert.equal(checkObjectKey("key", "é".repeat(512)).length, 512);
  assert.throws(
    () => checkObjectKey("key", "é".repeat(513)),
    /at most 1024 bytes of UTF-8, got 1026/,
  );
});

test("checkObjectKey() never shows the key", () => {
  assert.throws(() => checkObjectKey("key", "../s3cr3t"), (error: Error) => {
    return !error.message.includes("s3cr3t");
  });
});

test("a key that checkObjectKey() takes stays in its place when a URL is made of it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), (key) => {
      try {
        checkObjectKey("key", key);
      } catch (error) {
        assert.ok(error instanceof ValidationError);
        return;
      }
      const path = `/bucket/${key.split("/").map(encodeURIComponent).join("/")}`;
      assert.equal(decodeURIComponent(new URL(path, "http://host").pathname), `/bucket/${key}`);
    }),
    { numRuns: 1_000 },
  );
});

test("checkObjectPrefix() takes what a key can begin with", () => {
  for (const prefix of ["", "a", "a/", "benchmarks/bench", "é", ".", ".exchange/"]) {
    assert.equal(checkObjectPrefix("prefix", prefix), prefix);
  }
  for (const prefix of ["a\0", "\ud800", "a\nb", "a".repeat(1_025), 1]) {
    assert.throws(() => checkObjectPrefix("prefix", prefix), { field: "prefix" });
  }
});

test("checkBucket() takes the names that Amazon S3 takes", () => {
  for (const bucket of ["abc", "my-bucket", "a.b.c", "123"]) {
    assert.equal(checkBucket("bucket", bucket), bucket);
  }
  assert.equal(checkBucket("bucket", "a".repeat(63)).length, 63);
  for (const bucket of ["1a", "a".repeat(64), "a_b", "A-b", "a..b", ".abc", "abc-", "1.2.3.4", 1]) {
    assert.throws(() => checkBucket("bucket", bucket), { field: "bucket" });
  }
});

test("keyToBytes() compares like the bytes, and keyFromBytes() undoes it", () => {
  const unit = fc.constantFrom("a", "/", "é", "\ufffd", "\ufeff", "😀", "\u{10ffff}");
  const key = fc.string({ unit, maxLength: 5 });
  fc.assert(fc.property(key, key, (a, b) => {
    assert.equal(keyFromBytes(keyToBytes(a)), a);
    assert.equal(keyToBytes(a) < keyToBytes(b), Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0);
  }));
});
