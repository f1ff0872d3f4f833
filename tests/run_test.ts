import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "./support/permitted.ts";
import { isAlive } from "./support/process_signals.ts";
import { type CommandResult, runCommand } from "./support/run_command.ts";
import { until } from "./support/until.ts";

const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const PASSING = `import { test } from "node:test"; test("passes", () => {});`;

test("a run that passes ends with 0 and one line of totals", async () => {
  const { code, output } = await run({ "a_test.ts": PASSING, "b_test.ts": PASSING });
  assert.match(output, new RegExp(`\\n${RUNTIME} 2 passed, 0 skipped — 0 failed in \\d+ s\\n$`));
  assert.equal(code, 0);
});

test("a failing test fails the run and is printed in full", async () => {
  const { code, output } = await run({
    "a_test.ts": `${PASSING} test("breaks", () => { throw new Error("the reason"); });`,
  });
  assert.match(output, /FAILED tests\/a_test.ts on \w+: 1 failed/);
  assert.match(output, /the reason/);
  assert.match(output, /1 passed, 0 skipped — 1 failed/);
  assert.equal(code, 1);
});

const SILENT_WAYS_TO_FAIL = {
  "has no tests": `export {};`,
  "cannot be loaded": `import "./missing.ts"; ${PASSING}`,
  "throws before its first test": `throw new Error("early"); ${PASSING}`,
  "ends its process with exit code 0":
    `import { test } from "node:test"; import process from "node:process";
     test("exits", () => { process.exit(0); });`,
  "never ends": `import { test } from "node:test"; test("hangs", () => new Promise(() => {
     setInterval(() => {}, 1000); }));`,
};

for (const [what, source] of Object.entries(SILENT_WAYS_TO_FAIL)) {
  test(`a file that ${what} fails the run`, async () => {
    const args = what === "never ends" ? ["--timeout=1"] : [];
    const { code, output } = await run({ "bad_test.ts": source }, args);
    assert.match(output, /FAILED tests\/bad_test.ts on/);
    assert.match(output, / — 1 failed in \d+ s\n$/);
    assert.equal(code, 1);
  });
}

test("a file that never ends is ended with its whole process group", async () => {
  const source = `import { test } from "node:test"; import process from "node:process";
    process.on("SIGTERM", () => {});
    test("hangs", () => new Promise(() => {
      console.log("process " + process.pid);
      setInterval(() => {}, 1000);
    }));`;
  const { output } = await run({ "a_test.ts": source }, ["--timeout=5"]);
  const pid = Number(/process (\d+)/.exec(output)?.[1]);
  await until("the process has ended", () => !isAlive(pid));
});

test("a skipped test is told with its reason and does not fail the run", async () => {
  const { code, output } = await run({
    "a_test.ts": `${PASSING} test("waits [no server; start it]", { skip: true }, () => {});`,
  });
  assert.match(output, /Skipped\n {2}\w+ 1: no server; start it\n/);
  assert.equal(code, 0);
});

test("only files whose path contains a given part run", async () => {
  const { output } = await run({ "a_test.ts": PASSING, "sub/b_test.ts": PASSING }, ["tests/sub"]);
  assert.match(output, /Testing 1 files/);
  const nothing = await run({ "a_test.ts": PASSING }, ["tests/other"]);
  assert.match(nothing.output, /^Cannot find a test file whose path contains tests\/other\n$/);
  assert.equal(nothing.code, 1);
});

test("asked for help, it lists every option and runs nothing", async () => {
  for (const option of ["--help", "-h"]) {
    const { code, output } = await run({ "a_test.ts": PASSING }, [option]);
    for (
      const name of [
        "--runtime",
        "--require postgres,redis,nats,s3,rabbitmq",
        "--jobs",
        "--timeout",
      ]
    ) {
      assert.ok(output.includes(`\n  ${name}`), name);
    }
    assert.doesNotMatch(output, /Testing/);
    assert.equal(code, 0);
  }
});

test("a wrong option is refused with what it takes", async () => {
  const { code, output } = await run({ "a_test.ts": PASSING }, ["--require=oracle"]);
  assert.match(
    output,
    /^Cannot use --require: it takes postgres, redis, nats, s3, rabbitmq, got oracle\n$/,
  );
  assert.equal(code, 1);
});

/** Runs the harness on this runtime, in a folder with these files in `tests/`. */
async function run(files: Record<string, string>, args: string[] = []): Promise<CommandResult> {
  const folder = await mkdtemp(join(tmpdir(), "exchange-run-test-"));
  try {
    await writeFile(join(folder, "package.json"), `{ "type": "module" }`);
    for (const [name, source] of Object.entries(files)) {
      const path = join(folder, "tests", name);
      await mkdir(join(path, ".."), { recursive: true });
      await writeFile(path, source);
    }
    const script = fileURLToPath(new URL("run.ts", import.meta.url));
    const permissions = RUNTIME === "deno" ? ["run", "-A", "--no-check"] : [];
    const command = [...permissions, script, `--runtime=${RUNTIME}`, ...args];
    // Node's runner would not run inside itself.
    const env = { NODE_TEST_CONTEXT: undefined };
    return await runCommand(process.execPath, command, { cwd: folder, env });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
