import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { lazily } from "./lazily.ts";
import { createTestDatabase } from "./postgres.ts";
import { testNamespace } from "./redis.ts";
import { findService, serviceTest } from "./services.ts";
import { testReadmeSnippets } from "./snippet_tests.ts";
import { readJson } from "./source_file.ts";
import type { Toolchain } from "./toolchain.ts";
import { UserProject } from "./user_project.ts";

/** What the suites run on. */
export type SuiteKind = "memory" | "pglite" | "postgres" | "redis";

/** Registers tests of what a user has who installs the package in an empty project, and more of your own. */
export function testPackage(
  toolchain: Toolchain,
  suites: readonly SuiteKind[],
  more: (project: () => Promise<UserProject>) => void = () => {},
): void {
  const project = lazily(() => UserProject.create(toolchain));
  // In a group, because Deno runs no `after` of a file that has a skipped test.
  describe(toolchain.name, () => {
    // What failed to install has failed its tests.
    after(async () => await (await project().catch(() => undefined))?.[Symbol.asyncDispose]());
    testProject(toolchain, suites, project);
    more(project);
  });
}

function testProject(
  toolchain: Toolchain,
  suites: readonly SuiteKind[],
  project: () => Promise<UserProject>,
): void {
  const { name } = toolchain;
  test(`${name}: every entry point of the installed package can be imported`, async () => {
    const entries = entryPoints();
    assert.equal(await (await project()).run(importAll(entries)), `${entries.join("\n")}\n`);
  });
  test(`${name}: the installed command line runs`, async () => {
    const { version } = readJson("deno.json");
    const [program, ...args] = toolchain.cli;
    const output = await (await project()).command([program, ...args, "--version"]);
    assert.ok(output.includes(String(version)), output);
  });
  testReadmeSnippets(name, async (text) => await (await project()).run(text));
  for (const kind of suites) {
    SUITES[kind](`${name}: the installed suites pass on ${kind}`, async (env) => {
      await (await project()).test(`conformance_of_${kind}`, env);
    });
  }
}

/** The names under which the package can be imported; the command line is a program of its own. */
export function entryPoints(): string[] {
  const { name, exports } = readJson("deno.json") as { name: string; exports: object };
  return Object.keys(exports).filter((path) => path !== "./cli")
    .map((path) => `${name}${path.slice(1)}`);
}

function importAll(entries: readonly string[]): string {
  const lines = entries.map((entry) =>
    `if (Object.keys(await import("${entry}")).length > 0) console.log("${entry}");`
  );
  return lines.join("\n");
}

/** Registers a test whose function gets the environment that a suite needs. */
type Register = (name: string, run: (env: Record<string, string>) => Promise<void>) => unknown;

const postgresTest = serviceTest(await findService("postgres"));
const redisTest = serviceTest(await findService("redis"));

const SUITES: Readonly<Record<SuiteKind, Register>> = {
  memory: (name, run) => test(name, () => run({})),
  pglite: (name, run) => test(name, () => run({})),
  postgres: (name, run) =>
    postgresTest(name, async (url) => {
      const database = await createTestDatabase(url);
      try {
        await run({ DATABASE_URL: database.url });
      } finally {
        await database.drop();
      }
    }),
  redis: (name, run) =>
    redisTest(name, (url) => run({ REDIS_URL: url, REDIS_NAMESPACE: testNamespace() })),
};
