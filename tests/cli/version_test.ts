import assert from "node:assert/strict";
import { VERSION } from "../../cli/version.ts";
import { test, whenPermitted } from "../support/permitted.ts";

// Loaded late, because what it loads reads the environment.
const source = await whenPermitted(() => import("../support/source_file.ts"));

test("the version is that of the package", () => {
  assert.equal(VERSION, source.readJson("deno.json")["version"]);
});
