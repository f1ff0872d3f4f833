import assert from "node:assert/strict";
import process from "node:process";
import { readEnvironment } from "../../core/environment.ts";
import { test } from "../support/permitted.ts";

test("only the named variables are read, and an empty one counts as none", () => {
  process.env.EXCHANGE_TEST_FULL = "value";
  process.env.EXCHANGE_TEST_EMPTY = "";
  const names = ["EXCHANGE_TEST_FULL", "EXCHANGE_TEST_EMPTY", "EXCHANGE_TEST_NONE"];
  assert.deepEqual(readEnvironment(names), {
    EXCHANGE_TEST_FULL: "value",
    EXCHANGE_TEST_EMPTY: undefined,
    EXCHANGE_TEST_NONE: undefined,
  });
  delete process.env.EXCHANGE_TEST_FULL;
  delete process.env.EXCHANGE_TEST_EMPTY;
});
