import assert from "node:assert/strict";
import type { Rule } from "./architecture_rules.ts";
import { test, whenPermitted } from "./permitted.ts";
import type { SourceFile } from "./source_file.ts";

// Loaded late, because the compiler that they load reads the environment.
const rules = await whenPermitted(() => import("./architecture_rules.ts"));
const source = await whenPermitted(() => import("./source_file.ts"));

test("only the arrows of the house are allowed", () => {
  assertBroken(rules.followsArrows, {
    "database/pool.ts": `import { x } from "../cache/cache.ts"; import "../core/errors.ts";`,
    "cache/tiered.ts": `import type { X } from "../messaging/messaging.ts";`,
    "core/errors.ts": `export { x } from "../domain/user.ts";`,
    "domain/user.ts": `import { x } from "../core/validation.ts";`,
    "messaging/envelope.ts": `import "../domain/events.ts"; import "../domain/user.ts";`,
    "mod.ts": `export * from "./database/mod.ts"; import "./cli/run_cli.ts";`,
    "cli/doctor.ts": `import "../cache/adapters/redis.ts"; import "../mod.ts";`,
    "cache/cache.ts": `import "../cli/io.ts";`,
    "tests/cli/doctor_test.ts": `import "../../cli/doctor.ts";`,
  }, [
    "database/pool.ts must not import cache/cache.ts",
    "cache/tiered.ts must not import messaging/messaging.ts",
    "core/errors.ts must not import domain/user.ts",
    "messaging/envelope.ts must not import domain/user.ts",
    "mod.ts must not import cli/run_cli.ts",
    "cache/cache.ts must not import cli/io.ts",
  ]);
});

test("only mod.ts of the root and users import a folder's mod.ts", () => {
  assertBroken(rules.importsFilesNotFolders, {
    "mod.ts": `export * from "./core/mod.ts";`,
    "core/json.ts": `import { x } from "./mod.ts";`,
    "cli/demo.ts": `import { x } from "../core/mod.ts"; import "../mod.ts";`,
    "storage/storage.ts": `import type { X } from "../mod.ts";`,
  }, [
    "core/json.ts must import a file instead of core/mod.ts",
    "storage/storage.ts must import a file instead of mod.ts",
  ]);
});

test("a file that loads itself through others is a cycle, types do not count", () => {
  assertBroken(rules.hasNoCycles, {
    "core/a.ts": `import "./b.ts";`,
    "core/b.ts": `export * from "./c.ts";`,
    "core/c.ts": `import { type A } from "./a.ts";`,
    "core/d.ts": `import { a } from "./a.ts";`,
    "core/e.ts": `import type { F } from "./f.ts";`,
    "core/f.ts": `import { E } from "./e.ts";`,
  }, ["core/a.ts", "core/b.ts", "core/c.ts"].map((path) => `${path} loads itself through others`));
});

test("mod.ts and the program load no vendor through other files, but may load one later", () => {
  assertBroken(rules.loadsNoVendor, {
    "mod.ts": `export * from "./cache/mod.ts"; import { z } from "zod"; import "node:fs";`,
    "cache/mod.ts": `export { x } from "./redis.ts"; export type { P } from "pg";`,
    "cache/redis.ts":
      `import { y } from "redis"; const p = () => import("pg"); type T = import("pg").Q;`,
    "cli/doctor.ts": `import "./doctor/postgres.ts";`,
    "cli/doctor/postgres.ts": `import "pg"; const r = () => import("../../cache/redis.ts");`,
  }, [
    "mod.ts must not load redis",
    "cli/doctor.ts must not load pg",
    "cli/doctor/postgres.ts must not load pg",
  ]);
});

test("what runs at the edge loads no module of Node through other files", () => {
  assertBroken(rules.loadsAtEdge, {
    "core/mod.ts": `export * from "./clock.ts";`,
    "core/clock.ts": `import process from "node:process"; import type { Agent } from "node:http";`,
    "cache/adapters/redis.ts": `import "node:net";`,
  }, ["core/mod.ts must not load node:process"]);
});

test("a conformance suite imports only the library and node:assert/strict", () => {
  assertBroken(rules.keepsSuitesPortable, {
    "tests/conformance/cache.ts": `import assert from "node:assert/strict"; import "node:test";
      import "../../cache/cache.ts"; import "./manual_clock.ts"; import "fast-check";`,
    "tests/conformance/manual_clock_test.ts": `import "node:test";`,
  }, [
    "tests/conformance/cache.ts must not import node:test",
    "tests/conformance/cache.ts must not import fast-check",
  ]);
});

test("imports have no prefix but node:", () => {
  assertBroken(rules.importsBareNames, {
    "core/a.ts": `import "npm:zod@4"; import "zod"; import "node:fs";`,
    "tests/core/a_test.ts": `import "jsr:@std/assert"; import "https://x.example/a.ts";`,
    "tests/jsr/a_test.ts": `import "jsr:@std/assert";`,
  }, [
    "core/a.ts must not import npm:zod@4 with a prefix",
    "tests/core/a_test.ts must not import jsr:@std/assert with a prefix",
    "tests/core/a_test.ts must not import https://x.example/a.ts with a prefix",
  ]);
});

test("lines of code are neither blank nor comment, and a string counts with all its lines", () => {
  const { tree } = source.parseSource(
    "core/a.ts",
    "/** Doc. */\n\n// why\nf(`a\nb`);\n/* x */ g();\n",
  );
  assert.deepEqual([...source.codeLines(tree, tree)], [4, 5, 6]);
});

test("a file has at most 250 lines of code, a migration as many as it needs", () => {
  const fits = "x();\n".repeat(250) + "// comment\n".repeat(100);
  assertBroken(rules.keepsFilesSmall, {
    "core/fits.ts": fits,
    "core/long.ts": fits + "x();",
    "database/migrations/0001_long.ts": "x();\n".repeat(300),
  }, ["core/long.ts has 251 lines of code"]);
});

test("a function has at most 40 lines of code, not counting the tests that it registers", () => {
  const outer = (inner: number): string =>
    `const f = () => {\n  g(() => {\n${"x();\n".repeat(inner - 4)}  });\n};\n`;
  assertBroken(rules.keepsFunctionsSmall, {
    "core/fits.ts": outer(40),
    "core/long.ts": outer(41),
    "core/method.ts": `class C {\n  m(): void {\n${"x();\n".repeat(39)}  }\n}`,
    "tests/core/list_test.ts": outer(42).replace("g(", 'test("name", '),
    "tests/core/long_test.ts": outer(43).replace("g(", "test(`name ${1}`, "),
  }, [
    "core/long.ts:1 is a function of 41 lines",
    "core/method.ts:2 is a function of 41 lines",
    "tests/core/long_test.ts:2 is a function of 41 lines",
  ]);
});

test("syntax that a runtime or a registry refuses is found", () => {
  assertBroken(rules.avoidsForbiddenSyntax, {
    "core/a.ts": [
      "enum A {}",
      "namespace B {}",
      "export default function c(): void {}",
      "class D { constructor(readonly e: string) {} }",
      "export const f = (g: any) => g;",
      "declare global { interface H {} }",
      "async function i() { await using j = k; }",
      "const l = {}; export default l;",
      `switch (m) { default: "any"; }`,
    ].join("\n"),
    "bench/a.ts": "export default 1;",
  }, [
    "core/a.ts:1 uses an enum",
    "core/a.ts:2 uses a namespace or global declaration",
    "core/a.ts:3 uses a default export",
    "core/a.ts:4 uses a parameter property",
    "core/a.ts:5 uses any",
    "core/a.ts:6 uses a namespace or global declaration",
    "core/a.ts:7 uses using",
    "core/a.ts:8 uses a default export",
  ]);
});

test("published files neither print, nor end the process, nor ask whether they are the program", () => {
  assertBroken(rules.leavesTheProcessAlone, {
    "core/a.ts": "console.log(1);\nprocess.exit();\nprocess.exitCode = 1;\nimport.meta.main;\n" +
      "import.meta.url; process.pid; console_.log(1); // console.log",
    "cli/main.ts": "process.exitCode = 1; process.exit();",
    "tests/run.ts": "console.log(1);",
  }, [
    "core/a.ts:1 uses console.log",
    "core/a.ts:2 uses process.exit",
    "core/a.ts:3 uses process.exitCode",
    "core/a.ts:4 uses import.meta.main",
    "cli/main.ts:1 uses process.exit",
  ]);
});

test("files are named in snake_case", () => {
  assertBroken(rules.namesFilesInSnakeCase, {
    "core/call_options.ts": "",
    "database/migrations/0001_people.ts": "",
    "core/callOptions.ts": "",
    "core/call-options.ts": "",
  }, ["core/callOptions.ts is not in snake_case", "core/call-options.ts is not in snake_case"]);
});

test("a published file that does something needs a test of its name in its area", () => {
  assertBroken(rules.mirrorsFilesInTests, {
    "core/json.ts": "export const x = 1;",
    "core/page.ts": "export interface Page {} type X = 1;",
    "core/mod.ts": `export * from "./json.ts";`,
    "storage/adapters/memory.ts": "export class Memory {}",
    "cache/adapters/memory.ts": "export class Memory {}",
    "storage/portable.ts": "export class Portable {}",
    "tests/storage/deep/memory_test.ts": "",
    "tests/storage/memory_test.ts": "",
    "database/migrations/0001_people.ts": "export const sql = 1;",
  }, [
    "core/json.ts has no test json_test.ts",
    "cache/adapters/memory.ts has no test memory_test.ts",
  ]);
});

function assertBroken(rule: Rule, files: Record<string, string>, expected: string[]): void {
  const parsed: SourceFile[] = Object.entries(files).map(([path, text]) =>
    source.parseSource(path, text)
  );
  assert.deepEqual(rule(parsed), expected);
}
