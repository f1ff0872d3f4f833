import assert from "node:assert/strict";
import { VERSION } from "../../cli/version.ts";
import { test } from "../support/permitted.ts";

test("the version is that of the package", async () => {
  // Loaded only here, because it loads TypeScript, which reads the environment.
  const { readJson } = await import("../support/source_file.ts");
  assert.equal(VERSION, readJson("deno.json")["version"]);
});
