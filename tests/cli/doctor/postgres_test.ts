import assert from "node:assert/strict";
import { runRecorded } from "../../support/recorded_io.ts";
import { withClient } from "../../support/postgres.ts";
import { startPostgres } from "../../support/private_postgres.ts";
import { examine } from "../../support/examined.ts";
import { freePort } from "../../support/free_port.ts";
import { lazily } from "../../support/lazily.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("postgres");
const PASSWORD = "s3cr3t-of-postgres";

const opened = lazily(() =>
  startPostgres({
    password: PASSWORD,
    settings: { fsync: true, synchronous_commit: true, max_connections: 20 },
  })
);

async function examineUrl(url: string, ...args: string[]) {
  return await examine({ DATABASE_URL: url }, { secret: PASSWORD, args });
}

test("without migrations it fails and says so, afterwards all is well", async () => {
  const { url } = await opened();
  const before = await examineUrl(url);
  assert.equal(before.code, 1);
  assert.deepEqual(before.findings.get("failed migrations"), {
    level: "failed",
    check: "migrations",
    found: "7 of 7 are pending",
    fix: "Run migrate up",
  });
  await runRecorded(["migrate", "up"], { environment: { DATABASE_URL: url } });
  const healthy = await examineUrl(url);
  const names = "reachable,credentials,version,encoding,role,durability,connections,migrations," +
    "rights,prepared statements,latency,clock";
  assert.deepEqual(healthy.names, names.split(",").map((name) => `ok ${name}`));
  assert.match(
    healthy.findings.get("ok reachable")!.found,
    /^127\.0\.0\.1:\d+, database postgres, user/,
  );
});

test("a wrong password and a wrong user are refusals of the credentials", async () => {
  const { url } = await opened();
  const wrong = new URL(url);
  wrong.password = "other-s3cr3t";
  for (const user of ["exchange", "nobody"]) {
    wrong.username = user;
    const { code, names } = await examine({ DATABASE_URL: wrong.href }, { secret: "other-s3cr3t" });
    assert.deepEqual([code, names], [1, ["ok reachable", "failed credentials"]]);
  }
});

test("a closed port, and a database that does not exist, are told", async () => {
  const { url } = await opened();
  const closed = new URL(url);
  closed.port = String(await freePort());
  assert.deepEqual((await examineUrl(closed.href)).names, ["failed reachable"]);
  const missing = new URL(url);
  missing.pathname = "/missing";
  const { names, findings } = await examineUrl(missing.href);
  assert.deepEqual(names, ["failed configuration"]);
  assert.match(findings.get("failed configuration")!.found, /the database does not exist/);
});

test("a URL that cannot be is told without the password", async () => {
  const { names } = await examineUrl(`mysql://user:${PASSWORD}@127.0.0.1/x`);
  assert.deepEqual(names, ["failed configuration"]);
});

test("settings that lose data, and too few connections, are warnings", async () => {
  const server = await startPostgres({ settings: { max_connections: 9 } });
  try {
    await runRecorded(["migrate", "up"], { environment: { DATABASE_URL: server.url } });
    const first = await examineUrl(server.url);
    assert.equal(first.code, 0);
    assert.match(first.findings.get("warning durability")!.found, /^fsync is off/);
    assert.match(first.findings.get("warning connections")!.found, /^\d of 9 free/);
  } finally {
    await server[Symbol.asyncDispose]();
  }
  const { url } = await opened();
  await withClient(
    url,
    (client) => client.query("alter role exchange set synchronous_commit = off"),
  );
  try {
    const { findings } = await examineUrl(url);
    assert.match(findings.get("warning durability")!.found, /^synchronous_commit is off/);
  } finally {
    await withClient(url, (client) => client.query("alter role exchange reset synchronous_commit"));
  }
});

test("a user who may not create tables is told, and fails where something is pending", async () => {
  const { url } = await opened();
  await withClient(url, async (client) => {
    await client.query(`create role reader login password '${PASSWORD}'`);
    await client.query("create database empty");
  });
  const reader = new URL(url);
  reader.username = "reader";
  reader.pathname = "/empty";
  const { findings } = await examineUrl(reader.href);
  assert.match(findings.get("failed rights")!.found, /may not create tables/);
});

test("a server that is silent is told by the deadline", async () => {
  const server = await opened();
  await server.pause();
  try {
    const { names } = await examineUrl(server.url, "--timeout-ms", "300");
    assert.deepEqual(names, ["failed reachable"]);
  } finally {
    server.resume();
  }
});

test("the server ends", async () => await (await opened())[Symbol.asyncDispose]());
