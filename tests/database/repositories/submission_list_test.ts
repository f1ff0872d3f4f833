import assert from "node:assert/strict";
import { test } from "node:test";
import {
  SUBMISSION_LIST_STATEMENTS,
  submissionList,
} from "../../../database/repositories/submission_list.ts";

test("lists that differ in a filter or in their sort have different identities", () => {
  const identities = [
    submissionList({}),
    submissionList({ sort: "oldest" }),
    submissionList({ status: "failed" }),
    submissionList({ modelName: "failed" }),
  ].map(({ identity }) => JSON.stringify(identity));
  assert.equal(new Set(identities).size, identities.length);
});

test("the page, the signal and the deadline are no part of a list's identity", () => {
  const { identity } = submissionList({ limit: 3, cursor: "c", withTotal: true, timeoutMs: 5 });
  assert.deepEqual(identity, submissionList({}).identity);
});

test("bad filters are refused by their name", () => {
  const bad: [string, object][] = [
    ["filter.benchmarkId", { benchmarkId: "1' or true --" }],
    ["filter.status", { status: "completed' --" }],
    ["filter.modelName", { modelName: "a\0" }],
    ["filter.createdFrom", { createdFrom: new Date(NaN) }],
    ["filter.createdFrom", { createdFrom: new Date("0000-12-31T23:59:59.999Z") }],
    ["filter.createdBefore", { createdBefore: new Date("+010000-01-01T00:00:00Z") }],
    ["filter", { "status\" = 'failed'": true }],
  ];
  for (const [field, filter] of bad) {
    assert.throws(() => submissionList(filter), { code: "invalid_input", field });
  }
});

test("the statement for verify has every filter", () => {
  const text = SUBMISSION_LIST_STATEMENTS[0]!.text;
  for (const column of ["organization_id", "model_official", "verification", "visibility"]) {
    assert.match(text, new RegExp(`"${column}"`));
  }
  assert.match(text, /"created_at" >= .*"created_at" < /s);
});
