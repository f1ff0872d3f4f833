import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkListing, commonPrefix, fillPage, writeCursor } from "../../storage/listing.ts";
import type { ObjectSummary } from "../../storage/storage.ts";

const found = (keys: readonly string[]): Promise<ObjectSummary[]> =>
  Promise.resolve(keys.map((key) => ({ key, size: 0, etag: "e", lastModified: new Date(0) })));

test("fillPage() gives a cursor only if more follows, and takes no more names than it needs", async () => {
  let taken = 0;
  function* names(): Generator<string> {
    for (const name of ["a", "b/", "c", "d", "e"]) {
      taken++;
      yield name;
    }
  }
  const page = await fillPage(names(), 3, found);
  assert.deepEqual(page.items.map(({ key }) => key), ["a", "c"]);
  assert.deepEqual(page.prefixes, ["b/"]);
  assert.equal(checkListing({ cursor: page.nextCursor as string }).after, "c");
  assert.equal(taken, 4);
  assert.equal((await fillPage(names(), 5, found)).nextCursor, undefined);
});

test("fillPage() leaves out what is gone, and keeps the cursor", async () => {
  const page = await fillPage(["a", "b"], 1, () => Promise.resolve([undefined]));
  assert.deepEqual(page.items, []);
  assert.equal(checkListing({ cursor: page.nextCursor as string }).after, "a");
});

test("checkListing() reads what writeCursor() has written", () => {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const name = fc.string({ unit: byte, minLength: 1, maxLength: 20 });
  fc.assert(fc.property(name, (after) => {
    const cursor = writeCursor(after);
    assert.match(cursor, /^[0-9a-f]+$/);
    assert.equal(checkListing({ cursor }).after, after);
  }));
});

test("checkListing() takes cursors that are much longer than a key", () => {
  const after = "k".repeat(4_096);
  assert.equal(checkListing({ cursor: writeCursor(after) }).after, after);
});

test("checkListing() refuses bad input and names it", () => {
  const bad = [
    ["limit", { limit: 0 }],
    ["limit", { limit: 1.5 }],
    ["limit", { limit: 1_001 }],
    ["prefix", { prefix: "\ud800" }],
    ["delimiter", { delimiter: "-" as "/" }],
    ["cursor", { cursor: "" }],
    ["cursor", { cursor: "abc" }],
    ["cursor", { cursor: "zz" }],
    ["cursor", { cursor: "ab".repeat(4_097) }],
  ] as const;
  for (const [field, options] of bad) assert.throws(() => checkListing(options), { field });
});

test("commonPrefix() ends after the first slash beyond the prefix", () => {
  assert.equal(commonPrefix("a/b/c", ""), "a/");
  assert.equal(commonPrefix("a/b/c", "a/"), "a/b/");
  assert.equal(commonPrefix("a/b/c", "a"), "a/");
  assert.equal(commonPrefix("a/b", "a/"), undefined);
});
