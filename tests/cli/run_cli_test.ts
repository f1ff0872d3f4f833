import assert from "node:assert/strict";
import { test } from "node:test";
import { VERSION } from "../../cli/version.ts";
import { runRecorded } from "../support/recorded_io.ts";

const COMMANDS = [
  [],
  ["migrate"],
  ["migrate", "up"],
  ["migrate", "status"],
  ["migrate", "verify"],
  ["doctor"],
  ["events"],
  ["events", "tail"],
  ["events", "dead-letters"],
  ["events", "redrive"],
  ["demo"],
];

test("--help tells at every level what there is, with examples, and fits into 100 columns", async () => {
  for (const command of COMMANDS) {
    for (const help of ["--help", "-h"]) {
      const { code, stdout, stderr } = await runRecorded([...command, help]);
      assert.deepEqual([code, stderr], [0, ""], command.join(" "));
      assert.match(stdout, /^Examples$/m, command.join(" "));
      assert.ok(stdout.includes(command.at(-1) ?? "doctor"));
      for (const line of stdout.split("\n")) assert.ok(line.length <= 100, line);
    }
  }
});

test("--version tells the version", async () => {
  const outcome = await runRecorded(["--version"]);
  assert.deepEqual(outcome, { code: 0, stdout: `${VERSION}\n`, stderr: "" });
});

test("without a command the help is on the error stream, and it ends with 2", async () => {
  for (const command of [[], ["migrate"], ["events"]]) {
    const { code, stdout, stderr } = await runRecorded(command);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^Examples$/m);
  }
});

test("what is unknown ends with 2, a sentence and where the help is", async () => {
  const cases: [string[], string][] = [
    [
      ["migrat"],
      "cli: Cannot run migrat: the commands are migrate, doctor, events, demo; see --help",
    ],
    [
      ["toString"],
      "cli: Cannot run toString: the commands are migrate, doctor, events, demo; see --help",
    ],
    [
      ["migrate", "down"],
      "migrate: Cannot run down: the commands are up, status, verify; see migrate --help",
    ],
    [["doctor", "--jsn"], "doctor: Cannot use --jsn: it is not known; see doctor --help"],
    [
      ["migrate", "up", "now"],
      "migrate: Cannot use now: it takes options only; see migrate up --help",
    ],
    [
      ["events", "redrive"],
      "events: Cannot redrive: give ids, or --all, and not both; see events redrive --help",
    ],
  ];
  for (const [args, message] of cases) {
    assert.deepEqual(await runRecorded(args), { code: 2, stdout: "", stderr: `${message}\n` });
  }
});

test("a server that is not configured, or not as it has to be, ends with 2 and without the password", async () => {
  const missing = await runRecorded(["migrate", "status"]);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /^migrate: Cannot find the server: DATABASE_URL is not set/);
  const environment = { DATABASE_URL: "postgres://user:s3/cr3t@h/d", REDIS_URL: "s3cr3t" };
  for (const args of [["migrate", "up"], ["events", "tail"], ["demo"]]) {
    const { code, stdout, stderr } = await runRecorded(args, { environment });
    assert.equal(code, 2, args.join(" "));
    assert.doesNotMatch(stdout + stderr, /cr3t/);
  }
});

test("a command that is stopped ends with 130 and says nothing", async () => {
  const signal = AbortSignal.abort();
  const environment = { DATABASE_URL: "postgres://user:s3cr3t@127.0.0.1:9/x" };
  for (const args of [["migrate", "up"], ["doctor"], ["demo"]]) {
    const outcome = await runRecorded(args, { environment, signal });
    assert.deepEqual(outcome, { code: 130, stdout: "", stderr: "" }, args.join(" "));
  }
});
