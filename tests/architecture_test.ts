import assert from "node:assert/strict";
import { test, whenPermitted } from "./support/permitted.ts";

// Loaded late, because the compiler that they load reads the environment.
const rules = await whenPermitted(() => import("./support/architecture_rules.ts"));
const source = await whenPermitted(() => import("./support/source_file.ts"));
const files = await whenPermitted(() => Promise.resolve(source.readSourceFiles()));

const RULES = {
  "areas import only along the arrows": "followsArrows",
  "no file imports a folder's mod.ts": "importsFilesNotFolders",
  "there are no import cycles": "hasNoCycles",
  "loading mod.ts or the program loads no vendor's package": "loadsNoVendor",
  "what runs at the edge loads no module of Node": "loadsAtEdge",
  "conformance suites import nothing but the library and assertions": "keepsSuitesPortable",
  "imports are bare names": "importsBareNames",
  "files are small": "keepsFilesSmall",
  "functions are small": "keepsFunctionsSmall",
  "published files avoid syntax that a runtime or a registry refuses": "avoidsForbiddenSyntax",
  "published files neither print nor end the process": "leavesTheProcessAlone",
  "files are named in snake_case": "namesFilesInSnakeCase",
  "every published file has its test": "mirrorsFilesInTests",
} as const;

for (const [name, rule] of Object.entries(RULES)) {
  test(name, () => assert.deepEqual(rules[rule](files), []));
}

test("deno.json and package.json name the same package and the same versions", () => {
  const deno = source.readJson("deno.json");
  const npm = source.readJson("package.json");
  for (const field of ["name", "version", "license"]) assert.equal(deno[field], npm[field]);
  const specifiers = Object.entries(npm.dependencies as Record<string, string>)
    .map(([name, version]) => [name, `npm:${name}@${version}`]);
  assert.deepEqual(deno.imports, Object.fromEntries(specifiers));
});
