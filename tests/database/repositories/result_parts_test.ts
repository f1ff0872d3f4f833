import assert from "node:assert/strict";
import { test } from "node:test";
import {
  prepareResults,
  resultArrays,
  resultParts,
} from "../../../database/repositories/result_parts.ts";
import { createPool } from "../../../database/create_pool.ts";
import { newId } from "../../../domain/ids.ts";
import type { CaseResult } from "../../../domain/submission.ts";
import { FakeDriver } from "../../support/fake_driver.ts";

function results(count: number, output?: string): CaseResult[] {
  return Array.from({ length: count }, (_, index) => ({ caseName: `c${index}`, output }));
}

function checkParts(count: number, parts: readonly { from: number; to: number }[]): void {
  parts.forEach(({ from, to }, index) => {
    assert.equal(from, parts[index - 1]?.to ?? 0);
    assert.ok(to > from);
  });
  assert.equal(parts.at(-1)?.to, count);
}

test("few results go in one statement, also none", () => {
  assert.deepEqual(resultParts([]), [{ from: 0, to: 0 }]);
  assert.deepEqual(resultParts(results(2_500)), [{ from: 0, to: 2_500 }]);
});

test("the parts of many cover them in order, and the first is small", () => {
  for (const count of [2_501, 10_000, 100_000]) {
    const parts = resultParts(results(count));
    checkParts(count, parts);
    assert.equal(parts[0].to, 500);
    assert.ok(parts.every(({ from, to }) => to - from <= 5_000));
  }
});

test("a part ends where its outputs get long", () => {
  const parts = resultParts(results(20, "x".repeat(1_000_000)));
  checkParts(20, parts);
  assert.deepEqual(parts.map(({ from, to }) => to - from), [8, 8, 4]);
});

test("the arrays hold one part of the results", () => {
  const given: CaseResult[] = [0, 1, 2, 3].map((score) => ({ caseName: `c${score}`, score }));
  assert.deepEqual(resultArrays(given, { from: 1, to: 3 }), {
    offset: 1,
    caseNames: '{"c1","c2"}',
    passed: "{NULL,NULL}",
    scores: "{1,2}",
    durations: "{NULL,NULL}",
    outputs: "{NULL,NULL}",
  });
  assert.equal(resultArrays([], { from: 0, to: 0 }).caseNames, "{}");
});

test("results are copied where the client can, and inserted elsewhere", async () => {
  for (const copies of [true, false]) {
    const driver = new FakeDriver();
    const connect = driver.connect.bind(driver);
    driver.connect = async (onBroken) => Object.assign(await connect(onBroken), { copies });
    await using pool = await createPool({ driver });
    await pool.transaction(async (transaction) => {
      const add = await prepareResults(transaction, newId(), results(3), { from: 1, to: 3 });
      assert.deepEqual(sent(driver), []);
      await add();
    });
    assert.deepEqual(sent(driver), [copies ? "copy" : "insert"]);
  }
});

function sent({ connections }: FakeDriver): (string | undefined)[] {
  const texts = connections.flatMap((one) => one.texts);
  return texts.filter((text) => text.includes("submission_results")).map((text) =>
    text.trim().split(" ")[0]
  );
}
