import assert from "node:assert/strict";
import { test } from "node:test";
import { VERSION } from "../../cli/version.ts";
import { readJson } from "../support/source_file.ts";

test("the version is that of the package", () => {
  assert.equal(VERSION, readJson("deno.json")["version"]);
});
