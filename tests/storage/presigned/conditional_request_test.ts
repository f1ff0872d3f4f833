import assert from "node:assert/strict";
import { test } from "node:test";
import { quoteEtag } from "../../../storage/etag.ts";
import { selectPart, writeConditions } from "../../../storage/presigned/conditional_request.ts";

function select(headers: Record<string, string>, size = 10): unknown {
  const selection = selectPart(new Headers(headers), { etag: "e", size });
  return selection.status === 206
    ? `${selection.span.start} to ${selection.span.end}`
    : selection.status;
}

test("a range selects the bytes that it names", () => {
  const huge = "9".repeat(400);
  const ranges: [string, unknown][] = [
    ["bytes=0-0", "0 to 1"],
    ["bytes=2-4", "2 to 5"],
    ["bytes=2-", "2 to 10"],
    ["bytes=9-9", "9 to 10"],
    ["bytes=9-99", "9 to 10"],
    [`bytes=9-${huge}`, "9 to 10"],
    ["bytes=-1", "9 to 10"],
    ["bytes=-10", "0 to 10"],
    ["bytes=-11", "0 to 10"],
    [`bytes=-${huge}`, "0 to 10"],
    ["bytes=10-", 416],
    ["bytes=10-10", 416],
    [`bytes=${huge}-`, 416],
    [`bytes=${huge}-${huge}`, 416],
    ["bytes=-0", 416],
  ];
  for (const [range, selected] of ranges) assert.equal(select({ range }), selected, range);
  for (const range of ["bytes=0-", "bytes=0-0", "bytes=-1"]) {
    assert.equal(select({ range }, 0), 416);
  }
});

test("what is no single range of bytes selects everything", () => {
  const words = [
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=1",
    "bytes=-1-",
    "bytes=+1-2",
  ];
  const more = ["bytes=4-2", "bytes=0-1,4-5", "bytes=0x1-2", "bytes=1.5-2", "lines=0-1", "0-1"];
  for (const range of [...words, ...more, `bytes=0-1${",2-3".repeat(100_000)}`]) {
    assert.equal(select({ range }), 200, range.slice(0, 20));
  }
  assert.equal(select({}), 200);
});

test("a range of another version selects everything of this one", () => {
  const range = "bytes=2-4";
  assert.equal(select({ range, "if-range": '"e"' }), "2 to 5");
  for (const other of ['"f"', 'W/"e"', "e", "Thu, 01 Jan 2026 00:00:00 GMT"]) {
    assert.equal(select({ range, "if-range": other }), 200, other);
  }
});

test("If-None-Match asks only for another version", () => {
  for (const same of ['"e"', 'W/"e"', "*", '"a", "e"', '"a",W/"e" , "b"']) {
    assert.equal(select({ "if-none-match": same, range: "bytes=0-0" }), 304, same);
  }
  for (const other of ['"f"', "e", '"E"', '"a","b"', ""]) {
    assert.equal(select({ "if-none-match": other }), 200, other);
  }
});

test("If-Match asks only for this version, and goes first", () => {
  for (const same of ['"e"', "*", '"a", "e"']) {
    assert.equal(select({ "if-match": same }), 200, same);
    assert.equal(select({ "if-match": same, "if-none-match": '"e"' }), 304, same);
  }
  for (const other of ['"f"', "e", 'W/"e"', '"a","b"', ""]) {
    assert.equal(select({ "if-match": other, "if-none-match": '"e"' }), 412, other);
  }
});

test("a write has the conditions that storage can keep, and no others", () => {
  const conditions = (headers: Record<string, string>): unknown =>
    writeConditions(new Headers(headers));
  assert.deepEqual(conditions({}), { createOnly: false, ifMatch: undefined });
  assert.deepEqual(conditions({ "if-none-match": "*" }), { createOnly: true, ifMatch: undefined });
  assert.deepEqual(conditions({ "if-match": quoteEtag("e") }), { createOnly: false, ifMatch: "e" });
  for (const ifMatch of ["", "*", "e", '""', 'W/"e"', '"a", "b"']) {
    assert.throws(() => conditions({ "if-match": ifMatch }), { status: 501 }, ifMatch);
  }
  for (const ifNoneMatch of ["", '"e"', "*, *"]) {
    assert.throws(() => conditions({ "if-none-match": ifNoneMatch }), { status: 501 }, ifNoneMatch);
  }
});
