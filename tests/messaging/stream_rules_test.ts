import assert from "node:assert/strict";
import { checkIds, checkJoin, checkLetterPage, checkStart } from "../../messaging/stream_rules.ts";
import type { ReaderOptions } from "../../messaging/streams.ts";
import { test } from "node:test";
import { ValidationError } from "../../core/errors.ts";

function refuses(field: string, run: () => unknown): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ValidationError, String(error));
    assert.equal(error.field, field);
    return true;
  });
}

test("what a reader does not say has its default", () => {
  assert.deepEqual(checkJoin({ group: "mailer" }, "end"), {
    group: "mailer",
    from: "end",
    takeOverMs: 30_000,
  });
  const chosen: ReaderOptions = { group: "mailer", from: { after: "1-0" }, takeOverMs: 100 };
  assert.deepEqual(checkJoin(chosen, "beginning"), chosen);
});

test("a malformed option of a reader is named", () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["options", undefined],
    ["options", "mailer"],
    ["group", {}],
    ["group", { group: "two words" }],
    ["group", { group: "a:b" }],
    ["group", { group: "x".repeat(101) }],
    ["takeOverMs", { group: "g", takeOverMs: 99 }],
    ["takeOverMs", { group: "g", takeOverMs: Infinity }],
    ["timeoutMs", { group: "g", timeoutMs: 0 }],
    ["from", { group: "g", from: "now" }],
  ];
  for (const [field, options] of cases) {
    refuses(field, () => checkJoin(options as ReaderOptions, "beginning"));
  }
});

test("a place to begin is one of four", () => {
  const since = new Date();
  for (const from of ["beginning", "end", { after: "17-0" }, { since }]) {
    assert.deepEqual(checkStart(from), from);
  }
  refuses("from.since", () => checkStart({ since: new Date(NaN) }));
  refuses("from.after", () => checkStart({ after: "" }));
  refuses("from.after", () => checkStart({ after: 17 }));
  for (const from of [null, 0, "first", {}, { since: "2026-11-22" }]) {
    refuses("from", () => checkStart(from));
  }
});

test("ids are 1 to 1,000, and repeated ones count once", () => {
  assert.deepEqual(checkIds(["2", "1", "2"]), ["2", "1"]);
  for (const ids of [undefined, "1", [], Array.from({ length: 1_001 }, String)]) {
    refuses("ids", () => checkIds(ids));
  }
  refuses("ids[1]", () => checkIds(["1", 2]));
});

test("a page of dead letters is bounded", () => {
  assert.deepEqual(checkLetterPage({}), { limit: 100, after: undefined });
  assert.deepEqual(checkLetterPage({ limit: 1, after: "9" }), { limit: 1, after: "9" });
  for (const limit of [0, 1_001, "10"]) refuses("limit", () => checkLetterPage({ limit }));
  refuses("after", () => checkLetterPage({ after: 9 }));
});
