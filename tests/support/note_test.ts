import assert from "node:assert/strict";
import { test } from "node:test";
import { notesIn } from "./note.ts";

test("notes are found behind what runners put before them, and nothing else is", () => {
  const output =
    "running 1 test\nnote: 200 kills\n# note: 3 of 4\n  note: a\r\nok note: no\nthe end\n";
  assert.deepEqual(notesIn(output), ["200 kills", "3 of 4", "a"]);
});
