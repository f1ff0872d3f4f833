import assert from "node:assert/strict";
import { builtInResults } from "../../../cli/demo/results.ts";
import { readResultsFile } from "../../../cli/demo/results_file.ts";
import { test } from "../../support/permitted.ts";

test("the built-in results are rows of the file that they name as their source", async () => {
  const file = await readResultsFile("examples/evalplus.jsonl");
  const scores = new Map(file.rows.map((row) => [key(row), row.score]));
  const { source, rows, refused } = builtInResults();
  assert.deepEqual([source, refused], [file.source, []]);
  assert.equal(new Set(rows.map(({ provider, model }) => `${provider} ${model}`)).size, 30);
  assert.equal(new Set(rows.map(key)).size, 120);
  for (const row of rows) assert.equal(row.score, scores.get(key(row)), key(row));
  assert.deepEqual(rows.map(({ line }) => line), rows.map((_, index) => index + 2));
});

function key(
  { provider, model, benchmark }: { provider: string; model: string; benchmark: string },
): string {
  return JSON.stringify([provider, model, benchmark]);
}
