import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonDocument, paintFor, printable } from "../../cli/output.ts";
import { recordedIo } from "../support/recorded_io.ts";

test("text has colors on a terminal only, and not where NO_COLOR is set", () => {
  const terminal = recordedIo({ isTerminal: true });
  assert.equal(paintFor(terminal)("bad", "failed"), "\u001b[31mfailed\u001b[39m");
  const plain = [recordedIo(), recordedIo({ isTerminal: true, environment: { NO_COLOR: "1" } })];
  for (const io of plain) assert.equal(paintFor(io)("bad", "failed"), "failed");
});

test("a JSON document is indented and ends with the line", () => {
  assert.equal(jsonDocument({ a: 1 }), '{\n  "a": 1\n}\n');
});

test("text of others cannot control a terminal, nor turn the direction of what follows", () => {
  assert.equal(
    printable("a\u001b[2J\u009b\r\n\u202eb é 漢"),
    "a\\u001b[2J\\u009b\\u000d\\u000a\\u202eb é 漢",
  );
});
