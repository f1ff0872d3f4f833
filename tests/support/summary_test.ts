import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileResult } from "./run_file.ts";
import { failures, notes, skips, totals } from "./summary.ts";

const passed: FileResult = {
  runtime: "deno",
  file: "tests/a_test.ts",
  passed: 3,
  failed: 0,
  skipped: [],
  output: "",
  durationMs: 10,
};

test("the totals are one line with each runtime in the order of the results", () => {
  const results: FileResult[] = [
    passed,
    { ...passed, file: "tests/b_test.ts", skipped: ["one", "two"] },
    { ...passed, runtime: "node" },
  ];
  const line = "deno 6 passed, 2 skipped · node 3 passed, 0 skipped — 0 failed in 74 s";
  assert.equal(totals(results, 74_400), line);
});

test("a failed test, a problem without one, and tests that vanished all count as failed", () => {
  const results: FileResult[] = [
    { ...passed, passed: 2, failed: 1 },
    { ...passed, runtime: "bun", passed: 0, problem: "it ended without a report" },
    { ...passed, file: "tests/b_test.ts" },
    { ...passed, file: "tests/b_test.ts", runtime: "bun", passed: 2 },
  ];
  assert.match(totals(results, 0), /— 3 failed/);
  assert.deepEqual(failures(results), [
    "tests/a_test.ts on deno: 1 failed",
    "tests/a_test.ts on bun: it ended without a report",
    "tests/b_test.ts: its tests must be the same on each runtime, got 3 on deno, 2 on bun",
  ]);
});

test("a test that is skipped on one runtime only is not a failure", () => {
  const results: FileResult[] = [
    passed,
    { ...passed, runtime: "bun", passed: 2, skipped: ["needs permissions"] },
  ];
  assert.deepEqual(failures(results), []);
});

test("a file that is skipped as a whole on one runtime, with one reason, is not a failure", () => {
  const results: FileResult[] = [
    passed,
    { ...passed, runtime: "bun", passed: 0, skipped: ["the file [runs on Deno only]"] },
  ];
  assert.deepEqual(failures(results), []);
});

test("skips are told once for each reason, and by name where there is no reason", () => {
  const results: FileResult[] = [
    { ...passed, skipped: ["a [no server; start it]", "b [no server; start it]"] },
    { ...passed, runtime: "bun", skipped: ["a [no server; start it]", "odd one"] },
  ];
  assert.deepEqual(skips(results), [
    "deno 2, bun 1: no server; start it",
    "bun 1: tests/a_test.ts: odd one",
  ]);
});

test("notes say which test file made them, and where", () => {
  const results = [
    { ...passed, output: "note: 200 kills\n" },
    { ...passed, runtime: "bun" } as const,
  ];
  assert.deepEqual(notes(results), ["tests/a_test.ts on deno: 200 kills"]);
});
