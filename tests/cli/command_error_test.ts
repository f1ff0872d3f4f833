import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandError, errorText, exitCodeOf, usageError } from "../../cli/command_error.ts";
import {
  ConfigurationError,
  DatabaseError,
  InfrastructureError,
  ValidationError,
} from "../../core/errors.ts";

test("wrong use and a wrong configuration end with 2, everything else with 1", () => {
  const details = { code: "configuration_invalid", operation: "open" } as const;
  const cases: [unknown, number][] = [
    [usageError("wrong"), 2],
    [new ConfigurationError(["REDIS_URL is not set"]), 2],
    [new ValidationError("channel", "it must be a text"), 2],
    [new CommandError("wrong"), 1],
    [new DatabaseError("Cannot open: the database does not exist", details), 1],
    [new TypeError("wrong"), 1],
    ["wrong", 1],
  ];
  for (const [error, code] of cases) assert.equal(exitCodeOf(error), code, String(error));
});

test("errors of the package are told, of others only the kind and the place", () => {
  assert.equal(errorText(usageError("Cannot use x")), "Cannot use x");
  const ours = new InfrastructureError("Cannot open", { code: "internal", operation: "open" });
  assert.equal(errorText(ours), "Cannot open");
  const text = errorText(new TypeError("no server at postgres://u:s3cr3t@h\n    at s3cr3t:1:1"));
  assert.match(text, /^Cannot go on: an unexpected TypeError\n\s+at .*command_error_test/);
  assert.doesNotMatch(text, /s3cr3t/);
  assert.equal(errorText("s3cr3t"), "Cannot go on: something that is no error was thrown");
});
