import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import pg from "pg";
import { createCertificate } from "./certificate.ts";
import { RUN_VARIABLE, withClient } from "./postgres.ts";
import {
  type PostgresOptions,
  type PrivatePostgres,
  startPostgres,
  stopLeftServers,
} from "./private_postgres.ts";
import { privateServerTest } from "./services.ts";

const test = privateServerTest("postgres");

test("a private server answers with the settings asked for, and ends when disposed", async () => {
  let pid = 0;
  await withServer({ settings: { max_connections: 17 } }, async (server) => {
    await withClient(server.url, async (client) => {
      const { rows } = await client.query("show max_connections");
      assert.deepEqual(rows, [{ max_connections: "17" }]);
      assert.equal((await server.backendPids()).length, 1);
    });
    pid = server.pid;
  });
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

test("a paused server accepts connections and does not answer; resumed, it does", async () => {
  await withServer({}, async (server) => {
    await withClient(server.url, async (client) => {
      await server.pause();
      const answer = client.query("select 1").then(() => "answered");
      const silence = new Promise((resolve) => setTimeout(() => resolve("silent"), 200));
      assert.equal(await Promise.race([answer, silence]), "silent");
      server.resume();
      assert.equal(await answer, "answered");
    });
  });
});

test("a server keeps its port and data when it is stopped and started", async () => {
  await withServer({}, async (server) => {
    const { port } = server;
    await withClient(server.url, (client) => client.query("create table kept ()"));
    await server.stop();
    await assert.rejects(() => withClient(server.url, () => Promise.resolve()), {
      code: "ECONNREFUSED",
    });
    await server.start();
    assert.equal(server.port, port);
    await withClient(server.url, (client) => client.query("select from kept"));
  });
});

test("a server that a killed test file left running is stopped and deleted", async () => {
  const run = crypto.randomUUID().slice(0, 8);
  const before = process.env[RUN_VARIABLE];
  process.env[RUN_VARIABLE] = run;
  const server = await startPostgres();
  process.env[RUN_VARIABLE] = before ?? "alone";
  await server.pause();
  await stopLeftServers("another");
  process.kill(server.pid, 0);
  await stopLeftServers(run);
  await server.stop();
  assert.deepEqual((await readdir(tmpdir())).filter((name) => name.includes(run)), []);
});

test("with a password and TLS, wrong passwords and strangers are refused", async () => {
  const tls = await createCertificate("DNS:localhost");
  await withServer({ password: "s3cr3t%", tls }, async (server) => {
    const ssl = { ca: tls.certificate, servername: "localhost" };
    const client = new pg.Client({ connectionString: server.url, ssl });
    await client.connect();
    const { rows } = await client.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    assert.deepEqual(rows, [{ ssl: true }]);
    await client.end();
    const wrong = server.url.replace("s3cr3t", "wrong");
    await assert.rejects(withClient(wrong, () => Promise.resolve()), { code: "28P01" });
    await assert.rejects(new pg.Client({ connectionString: server.url, ssl: true }).connect());
  });
});

async function withServer(
  options: PostgresOptions,
  run: (server: PrivatePostgres) => Promise<void>,
): Promise<void> {
  const server = await startPostgres(options);
  try {
    await run(server);
  } finally {
    await server[Symbol.asyncDispose]();
  }
}
