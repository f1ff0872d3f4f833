import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "../../cli/command.ts";
import { isHelp, parseCommandLine, shownWord } from "../../cli/command_line.ts";

const COMMAND: Command = {
  help: "",
  options: { json: "flag", data: "text", limit: "text" },
  run: () => Promise.resolve(0),
};

const WITH_OPERANDS: Command = { ...COMMAND, operands: "ID" };

test("options and operands are read, of an option given twice the last one", () => {
  const args = ["a", "--data", "one", "--json", "--data=-two", "b", "--", "--c"];
  const line = parseCommandLine(args, WITH_OPERANDS);
  assert.deepEqual([line.has("json"), line.text("data")], [true, "-two"]);
  assert.deepEqual(line.operands, ["a", "b", "--c"]);
  const none = parseCommandLine([], COMMAND);
  assert.deepEqual([none.has("json"), none.text("data"), none.operands], [false, undefined, []]);
});

test("--help and -h are options of every command, also beside an operand that it does not take", () => {
  for (const args of [["--help"], ["-h"], ["more", "--help"]]) {
    assert.equal(parseCommandLine(args, COMMAND).has("help"), true);
  }
  assert.deepEqual(["--help", "-h", "--json"].map(isHelp), [true, true, false]);
});

test("what is unknown or incomplete is wrong use, told without what could be a password", () => {
  const cases: [string[], string][] = [
    [["--frobnicate"], "Cannot use --frobnicate: it is not known"],
    [["--database-url=postgres://u:s3cr3t@h/d"], "Cannot use --database-url: it is not known"],
    [["-x"], "Cannot use -x: it is not known"],
    [["--toString"], "Cannot use --toString: it is not known"],
    [["--json=yes"], "Cannot use --json: it takes no value"],
    [["--data"], "Cannot use --data: it needs a value"],
    [["--data="], "Cannot use --data: it needs a value"],
    [["--data", ""], "Cannot use --data: it needs a value"],
    [["--data", "--json"], "Cannot use --data: it needs a value"],
    [["more"], "Cannot use more: it takes options only"],
    [["postgres://u:s3cr3t@h/d"], "Cannot use something of 23 characters: it takes options only"],
  ];
  for (const [args, message] of cases) {
    assert.throws(() => parseCommandLine(args, COMMAND), { message, exitCode: 2 });
  }
});

test("an integer is within its limits, or wrong use", () => {
  const limits = { otherwise: 100, min: 1, max: 1_000 };
  const read = (...args: string[]): number =>
    parseCommandLine(args, COMMAND).integer("limit", limits);
  assert.deepEqual([read(), read("--limit", "1"), read("--limit=1000")], [100, 1, 1_000]);
  for (const text of ["0", "1001", "1.5", "1e2", "0x1", "ten", "9999999999"]) {
    assert.throws(() => read("--limit", text), {
      message: `Cannot use --limit: it must be an integer from 1 to 1000, got ${shownWord(text)}`,
      exitCode: 2,
    });
  }
});
