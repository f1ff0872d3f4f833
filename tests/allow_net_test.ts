import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "./support/permitted.ts";
import { runCommand } from "./support/run_command.ts";
import { skipTest } from "./support/skip.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** One file for each server that tests know, and some of what needs none. */
const OTHERS = [
  "tests/cache/memory_locks_test.ts",
  "tests/cache/redis/examined_test.ts",
  "tests/core/clock_test.ts",
  "tests/database/drivers/describe_query_test.ts",
  "tests/messaging/memory_streams_test.ts",
  "tests/messaging/nats/setup_test.ts",
  "tests/messaging/rabbitmq/turns_test.ts",
  "tests/storage/s3/copies_test.ts",
];

const name = "deno test --allow-net passes, and what it skips says why";

if ("Deno" in globalThis) {
  test(name, async () => {
    const files = [...filesThatNeedMore(), ...OTHERS];
    const { code, output } = await runCommand(process.execPath, ["test", "--allow-net", ...files], {
      cwd: ROOT,
      env: { NO_COLOR: "1" },
    });
    assert.equal(code, 0, output);
    const [, passed, ignored] = /^ok \| (\d+) passed .*\| 0 failed \| (\d+) ignored/m.exec(output)!;
    assert.ok(Number(passed) > 0 && Number(ignored) > files.length - OTHERS.length, output);
    const silent = output.split("\n").filter((line) => / \.\.\. ignored/.test(line))
      .filter((line) => !/\[(needs|no|only) .+\] \.\.\. ignored/.test(line));
    assert.deepEqual(silent, []);
  });
} else {
  skipTest(name, "only Deno has permissions");
}

/** All of them would take minutes: those that also use a server have it used by their other tests. */
function filesThatNeedMore(): string[] {
  return globSync("tests/**/*_test.ts", { cwd: ROOT }).filter((path) => {
    const text = readFileSync(`${ROOT}/${path}`, "utf8");
    return text.includes('/permitted.ts"') && !/findService|support\/databases/.test(text);
  });
}
