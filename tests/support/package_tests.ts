import assert from "node:assert/strict";
import { after, test } from "node:test";
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

/** Registers tests of what a user has who installs the package in an empty project, and returns it. */
export async function testPackage(
  toolchain: Toolchain,
  suites: readonly SuiteKind[],
): Promise<() => Promise<UserProject>> {
  const { name } = toolchain;
  const project = lazily(() => UserProject.create(toolchain));
  // What failed to install has failed its tests.
  after(async () => await (await project().catch(() => undefined))?.[Symbol.asyncDispose]());
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
    await SUITES[kind](`${name}: the installed suites pass on ${kind}`, async (env) => {
      await (await project()).test(`conformance_of_${kind}`, env);
    });
  }
  return project;
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

const SUITES: Readonly<Record<SuiteKind, Register>> = {
  memory: (name, run) => test(name, () => run({})),
  pglite: (name, run) => test(name, () => run({})),
  postgres: async (name, run) =>
    serviceTest(await findService("postgres"))(name, async (url) => {
      const database = await createTestDatabase(url);
      try {
        await run({ DATABASE_URL: database.url });
      } finally {
        await database.drop();
      }
    }),
  redis: async (name, run) =>
    serviceTest(await findService("redis"))(
      name,
      (url) => run({ REDIS_URL: url, REDIS_NAMESPACE: testNamespace() }),
    ),
};
