import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "./permitted.ts";
import type { FileResult } from "./run_file.ts";
import { RUNTIME_NAMES } from "./runtimes.ts";
import { supportTable, tableIn, TESTED_ADAPTERS, withTable } from "./support_table.ts";

const ROOT = new URL("../../", import.meta.url);

const ALL_PASSED: readonly FileResult[] = TESTED_ADAPTERS.flatMap(({ file }) =>
  RUNTIME_NAMES.map((runtime): FileResult => ({
    ...{ runtime, file, passed: 9, failed: 0, skipped: [], output: "", durationMs: 1 },
  }))
);

function withResult(changes: Partial<FileResult>): string {
  const [first, ...others] = ALL_PASSED;
  return supportTable([{ ...first!, ...changes }, ...others])!;
}

test("a cell says what the tests of an adapter did on a runtime", () => {
  const [head, rule, first] = supportTable(ALL_PASSED)!.split("\n");
  assert.match(head!, /^\| entry point +\| tested on +\| Deno \| Bun \| Node \|$/);
  assert.match(rule!, /^\| -+ \| -+ \| ---- \| --- \| ---- \|$/);
  assert.match(first!, /^\| `database\/pg` +\| PostgreSQL +\| yes {2}\| yes \| yes {2}\|$/);
  assert.match(withResult({ failed: 1 }), /PostgreSQL +\| no +\| yes/);
  assert.match(withResult({ problem: "it was stopped" }), /PostgreSQL +\| no +\| yes/);
  assert.match(withResult({ passed: 0, skipped: ["a", "b"] }), /PostgreSQL +\| no +\| yes/);
  assert.match(withResult({ skipped: ["a"] }), /PostgreSQL +\| all but 1 of 10 tests \| yes/);
});

test("results that are not about every adapter on every runtime give no table", () => {
  assert.equal(supportTable(ALL_PASSED.slice(1)), undefined);
});

test("the table takes the place of another one", () => {
  const readme = readFileSync(fileURLToPath(new URL("README.md", ROOT)), "utf8");
  const changed = withTable(readme, "| other |");
  assert.equal(tableIn(changed), "| other |");
  assert.equal(withTable(changed, tableIn(readme)), readme);
  assert.throws(() => withTable("# Other", "| other |"), /Cannot find the place/);
});

test("every adapter that is an entry point is tested, by a file that is there", () => {
  const adapters = Object.keys(JSON.parse(readFileSync(new URL("deno.json", ROOT), "utf8")).exports)
    .filter((entry) => entry.split("/").length === 3).map((entry) => entry.slice(2));
  assert.deepEqual(new Set(TESTED_ADAPTERS.map(({ entry }) => entry)), new Set(adapters));
  const missing = TESTED_ADAPTERS.filter(({ file }) => !existsSync(new URL(file, ROOT)));
  assert.deepEqual(missing, []);
});
