import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { freePort } from "./free_port.ts";
import { test } from "./permitted.ts";
import { provideServices } from "./provided_services.ts";
import { type FileResult, runFile } from "./run_file.ts";
import { findRuntime } from "./runtimes.ts";
import {
  findService,
  privateServerTest,
  REQUIRED_VARIABLE,
  type ServiceName,
  SERVICES,
  serviceTest,
  serviceVariables,
} from "./services.ts";
import { startPostgres } from "./private_postgres.ts";

const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const needsPostgres = privateServerTest("postgres");

needsPostgres("the server that the environment names is used, and no other", async () => {
  const server = await startPostgres();
  try {
    await withVariables({ DATABASE_URL: server.url }, async () => {
      assert.deepEqual(await findService("postgres"), { name: "postgres", url: server.url });
    });
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

for (const name of Object.keys(SERVICES) as ServiceName[]) {
  test(`a ${name} that the environment names and that does not answer is an error, not a skip`, async () => {
    const { variable } = SERVICES[name];
    const scheme = name === "s3" ? "http" : name === "rabbitmq" ? "amqp" : name;
    const url = `${scheme}://someone:s3cr3t@127.0.0.1:${await freePort()}/0`;
    await withVariables(serviceVariables(name, url), async () => {
      await assert.rejects(findService(name), (error: Error) => {
        assert.match(
          error.message,
          new RegExp(`^Cannot use the server of ${variable}: .*ECONNREFUSED`),
        );
        return !error.message.includes("s3cr3t");
      });
      await assert.rejects(
        provideServices("run"),
        new RegExp(`Cannot use the server of ${variable}`),
      );
    });
  });
}

serviceTest(await findService("postgres"))("a test receives the URL of the server", (url) => {
  assert.match(url, /^postgres:\/\//);
});

test("without a server a test is skipped, and its name says how to start one", async () => {
  const { passed, failed, skipped } = await runFixture({});
  assert.deepEqual({ passed, failed, skipped }, {
    passed: 0,
    failed: 0,
    skipped: ["stores a thing [no postgres; start it with: a command]"],
  });
});

test("without a server that is required a test fails and says how to start one", async () => {
  const { failed, output } = await runFixture({ [REQUIRED_VARIABLE]: "redis,postgres" });
  assert.equal(failed, 1);
  assert.match(output, /Cannot run a required test: no postgres; start it with: a command/);
});

async function runFixture(env: Record<string, string>): Promise<FileResult> {
  const reportFolder = await mkdtemp(join(tmpdir(), "exchange-services-test-"));
  try {
    return await runFile(await findRuntime(RUNTIME), "tests/support/fixtures/missing_service.ts", {
      reportFolder,
      timeoutMs: 60_000,
      // Node's runner would not run inside itself.
      env: { [REQUIRED_VARIABLE]: "", NODE_TEST_CONTEXT: undefined, ...env },
      signal: new AbortController().signal,
    });
  } finally {
    await rm(reportFolder, { recursive: true, force: true });
  }
}

async function withVariables(
  variables: Readonly<Record<string, string>>,
  run: () => Promise<void>,
): Promise<void> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    await run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
