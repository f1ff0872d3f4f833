import assert from "node:assert/strict";
import { test } from "node:test";
import * as rules from "./support/architecture_rules.ts";
import { readJson, readSourceFiles } from "./support/source_file.ts";

const files = readSourceFiles();

const RULES: Record<string, rules.Rule> = {
  "areas import only along the arrows": rules.followsArrows,
  "no file imports a folder's mod.ts": rules.importsFilesNotFolders,
  "there are no import cycles": rules.hasNoCycles,
  "loading mod.ts or the program loads no vendor's package": rules.loadsNoVendor,
  "conformance suites import nothing but the library and assertions": rules.keepsSuitesPortable,
  "imports are bare names": rules.importsBareNames,
  "files are small": rules.keepsFilesSmall,
  "functions are small": rules.keepsFunctionsSmall,
  "published files avoid syntax that a runtime or a registry refuses": rules.avoidsForbiddenSyntax,
  "published files neither print nor end the process": rules.leavesTheProcessAlone,
  "files are named in snake_case": rules.namesFilesInSnakeCase,
  "every published file has its test": rules.mirrorsFilesInTests,
};

for (const [name, rule] of Object.entries(RULES)) {
  test(name, () => assert.deepEqual(rule(files), []));
}

test("deno.json and package.json name the same package and the same versions", () => {
  const deno = readJson("deno.json");
  const npm = readJson("package.json");
  for (const field of ["name", "version", "license"]) assert.equal(deno[field], npm[field]);
  const specifiers = Object.entries(npm.dependencies as Record<string, string>)
    .map(([name, version]) => [name, `npm:${name}@${version}`]);
  assert.deepEqual(deno.imports, Object.fromEntries(specifiers));
});
