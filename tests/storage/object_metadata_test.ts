import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkContentType,
  checkMetadata,
  resolveContentType,
} from "../../storage/object_metadata.ts";

test("checkMetadata() copies what can travel in HTTP headers", () => {
  const metadata = { a: "1", "sha-256": "ab cd", "x.y_z": '~!"\\' };
  const copy = checkMetadata(metadata);
  assert.deepEqual(copy, metadata);
  assert.notEqual(copy, metadata);
  const name = "n".repeat(128);
  assert.deepEqual(checkMetadata({ [name]: "v".repeat(1_856) })[name]?.length, 1_856);
});

test("checkMetadata() refuses names that headers change or drop", () => {
  for (const name of ["", "A", "a b", "é", "_a", "-a", ".a", "a:b", "a\n", "n".repeat(129)]) {
    assert.throws(() => checkMetadata({ [name]: "v" }), { field: "metadata" }, name);
  }
  assert.throws(() => checkMetadata(JSON.parse('{"__proto__": "v"}')), { field: "metadata" });
});

test("checkMetadata() refuses the name that an adapter adds", () => {
  const reserved = { field: "metadata", message: /exchange-write is reserved/ };
  assert.throws(() => checkMetadata({ a: "1", "exchange-write": "v" }), reserved);
  assert.deepEqual(checkMetadata({ "exchange-writes": "v" }), { "exchange-writes": "v" });
});

test("checkMetadata() refuses values that headers change or drop", () => {
  for (const value of ["", " ", " v", "v ", "é", "a\nb", "a\r\nb: c", "a\0", "a\x7f", 1, null]) {
    assert.throws(() => checkMetadata({ name: value }), { field: "metadata.name" });
  }
  assert.throws(() => checkMetadata({ a: "v".repeat(1_984) }), /at most 1984 bytes, got 1985/);
  for (const metadata of [null, [], "a=b", 1]) {
    assert.throws(() => checkMetadata(metadata), { field: "metadata" });
  }
});

test("checkContentType() takes media types and nothing else", () => {
  for (const type of ["text/plain", "application/vnd.a+json", 'text/plain; charset="utf-8"']) {
    assert.equal(checkContentType(type), type);
  }
  const bad = [
    "",
    "text",
    "text/",
    "/plain",
    "text plain",
    "text/plain\r\nx: y",
    "text/é",
    "a/b/c",
  ];
  for (const type of [...bad, "text/plain ", "text/plain; ", `a/${"b".repeat(254)}`, 1]) {
    assert.throws(() => checkContentType(type), { field: "contentType" });
  }
});

test("resolveContentType() prefers what is given, then the type of the Blob", () => {
  const blob = new Blob([], { type: "image/png" });
  assert.equal(resolveContentType("text/csv", blob), "text/csv");
  assert.equal(resolveContentType(undefined, blob), "image/png");
  assert.equal(resolveContentType(undefined, new Blob([])), "application/octet-stream");
  assert.equal(resolveContentType(undefined, "{}"), "application/octet-stream");
});
