import assert from "node:assert/strict";
import { test } from "node:test";
import { CLI_VARIABLES, requiredVariable } from "../../cli/variables.ts";

test("a variable that is missing or empty is wrong use, with an example", () => {
  assert.equal(requiredVariable({ REDIS_URL: "redis://h" }, "REDIS_URL"), "redis://h");
  for (const environment of [{}, { REDIS_URL: "" }]) {
    assert.throws(() => requiredVariable(environment, "REDIS_URL"), {
      message: "Cannot find the server: REDIS_URL is not set, such as to redis://host:6379",
      exitCode: 2,
    });
  }
});

test("all variables of the library are read", () => {
  for (const name of ["DATABASE_URL", "AWS_SESSION_TOKEN", "NO_COLOR"]) {
    assert.ok(CLI_VARIABLES.includes(name), name);
  }
});
