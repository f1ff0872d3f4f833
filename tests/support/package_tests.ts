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

/** Registers tests of what a user has who installs the package in an empty project. */
export async function testPackage(toolchain: Toolchain): Promise<void> {
  const { name } = toolchain;
  const project = lazily(() => UserProject.create(toolchain));
  // What failed to install has failed its tests.
  after(async () => await (await project().catch(() => undefined))?.[Symbol.asyncDispose]());
  test(`${name}: every entry point of the installed package can be imported`, async () => {
    const entries = entryPoints();
    assert.equal(await (await project()).run(importAll(entries)), `${entries.join("\n")}\n`);
  });
  testReadmeSnippets(name, async (text) => await (await project()).run(text));
  await testConformance(name, project);
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

async function testConformance(
  name: string,
  project: () => Promise<UserProject>,
): Promise<void> {
  for (const kind of ["memory", "pglite"]) {
    test(`${name}: the installed suites pass on ${kind}`, async () => {
      await (await project()).test(`conformance_of_${kind}`);
    });
  }
  const postgresTest = serviceTest(await findService("postgres"));
  postgresTest(`${name}: the installed suites pass on postgres`, async (url) => {
    const database = await createTestDatabase(url);
    try {
      await (await project()).test("conformance_of_postgres", { DATABASE_URL: database.url });
    } finally {
      await database.drop();
    }
  });
  const redisTest = serviceTest(await findService("redis"));
  redisTest(`${name}: the installed suites pass on redis`, async (url) => {
    const env = { REDIS_URL: url, REDIS_NAMESPACE: testNamespace() };
    await (await project()).test("conformance_of_redis", env);
  });
}
