import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { freePort } from "./free_port.ts";
import { createTestDatabase } from "./postgres.ts";
import { startRedis } from "./private_redis.ts";
import { readSnippets, type Snippet } from "./readme_snippets.ts";
import { dropBuckets, s3Access, testBucket } from "./s3.ts";
import { findService, privateServerTest, serviceTest } from "./services.ts";
import { skipTest } from "./skip.ts";

/** Runs a program in an empty folder and resolves with what it printed; rejects when it fails. */
export type RunProgram = (text: string) => Promise<string>;

/** What a snippet says, and what this must be here. */
type Replacements = Readonly<Record<string, string>>;

/** Registers a test whose function gets the replacements. */
type Register = (name: string, run: (replacements: Replacements) => Promise<void>) => unknown;

/** Signs of a server in a snippet, and how to let it have one of its own. */
const SERVERS: Readonly<Record<string, Register>> = {
  "postgres://exchange:exchange@127.0.0.1:5432/exchange": await postgresTest(),
  "redis://127.0.0.1:6379": redisTest,
  "http://127.0.0.1:8333": await s3Test(),
  "port: 8000": (name, run) =>
    test(name, async () => {
      const port = await freePort();
      await run({ "port: 8000": `port: ${port}`, "127.0.0.1:8000": `127.0.0.1:${port}` });
    }),
};

/** Registers a test for each snippet of the README: it runs, and prints what it says. */
export function testReadmeSnippets(runtime: string, runProgram: RunProgram): void {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  for (const snippet of readSnippets(readme)) {
    const name = `${runtime}: the README's snippet "${snippet.name}" runs`;
    if (usesDeno(snippet) && runtime !== "Deno") {
      skipTest(name, "it uses an API of Deno");
      continue;
    }
    const sign = Object.keys(SERVERS).find((sign) => snippet.text.includes(sign));
    const register: Register = sign === undefined ? plainTest : SERVERS[sign]!;
    register(name, async (replacements) => {
      const output = await runProgram(adapt(snippet, replacements));
      const lines = output.split("\n");
      assert.deepEqual(snippet.prints.filter((line) => !lines.includes(line)), [], output);
    });
  }
}

function plainTest(name: string, run: (replacements: Replacements) => Promise<void>): void {
  test(name, () => run({}));
}

/** Replaces what differs here; a server that would serve for ever ends when all else is done. */
function adapt(snippet: Snippet, replacements: Replacements): string {
  const rest = Object.keys(replacements)
    .reduce((text, from) => text.replaceAll(from, ""), snippet.text);
  assert.doesNotMatch(rest, /127\.0\.0\.1:/, "a snippet must not reach somebody's own server");
  const text = Object.entries(replacements)
    .reduce((text, [from, to]) => text.replaceAll(from, to), snippet.text);
  return usesDeno(snippet) ? `${text}Deno.exit();\n` : text;
}

function usesDeno({ text }: Snippet): boolean {
  return text.includes("Deno.");
}

async function postgresTest(): Promise<Register> {
  const register = serviceTest(await findService("postgres"));
  return (name, run) =>
    register(name, async (url) => {
      const database = await createTestDatabase(url);
      try {
        await run({ "postgres://exchange:exchange@127.0.0.1:5432/exchange": database.url });
      } finally {
        await database.drop();
      }
    });
}

/** Snippets use short keys and whole patterns of them, so they get a server of their own. */
function redisTest(name: string, run: (replacements: Replacements) => Promise<void>): void {
  privateServerTest("redis")(name, async () => {
    await using server = await startRedis();
    await run({ "redis://127.0.0.1:6379": server.url });
  });
}

async function s3Test(): Promise<Register> {
  const register = serviceTest(await findService("s3"));
  return (name, run) =>
    register(name, async (url) => {
      const { endpoint, accessKeyId, secretAccessKey } = s3Access(url);
      const bucket = testBucket();
      const replacements = {
        "http://127.0.0.1:8333": endpoint,
        '"exchange"': JSON.stringify(accessKeyId),
        '"exchange-secret"': JSON.stringify(secretAccessKey),
        "my-bucket": bucket,
      };
      try {
        await run(replacements);
      } finally {
        await dropBuckets(url, bucket);
      }
    });
}
