import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { ConfigurationError, InfrastructureError } from "../../core/errors.ts";
import { type Certificate, createCertificate } from "../support/certificate.ts";
import { type PrivatePostgres, startPostgres } from "../support/private_postgres.ts";
import { withClient } from "../support/postgres.ts";
import { privateServerTest } from "../support/services.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { timeout } from "../support/toxics.ts";

/** No error may show it. */
const PASSWORD = "canary-password-7d20";

interface TlsServer {
  readonly server: PrivatePostgres;
  readonly authority: Certificate;
}

const test = privateServerTest("postgres");
let started: Promise<TlsServer> | undefined;

test("a server whose certificate authority is given is trusted, and nothing is sent in the clear", async () => {
  const { url, ca } = await secure("localhost");
  await withPool(createPool({ url, ca }), async (pool) => assert.ok(await isEncrypted(pool)));
});

test("the certificate authority can be a file that the URL names", async () => {
  const { url, ca } = await secure("localhost");
  const directory = await mkdtemp(join(tmpdir(), "exchange-authority-"));
  try {
    const file = join(directory, "ca.crt");
    await writeFile(file, ca);
    const withFile = `${url}&sslrootcert=${encodeURIComponent(file)}`;
    await withPool(
      createPool({ url: withFile }),
      async (pool) => assert.ok(await isEncrypted(pool)),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a file of the certificate authority that is missing is a mistake of the configuration", async () => {
  const { url } = await secure("localhost");
  const error = await failureOf(createPool({ url: `${url}&sslrootcert=/missing/ca.crt` }));
  assert.ok(error instanceof ConfigurationError);
  assert.match(error.message, /sslrootcert names a file that cannot be read: \/missing\/ca.crt/);
});

test("a server with an unknown certificate authority is refused", async () => {
  const { url } = await secure("localhost");
  const { code, retryable, message } = await failureOf(createPool({ url }));
  assert.deepEqual({ code, retryable }, { code: "unauthenticated", retryable: false });
  assert.match(message, /the certificate of the server is not trusted/);
});

test("a server with another certificate authority than the given one is refused", async () => {
  const { url } = await secure("localhost");
  const { certificate: ca } = await createCertificate("DNS:localhost");
  assert.equal((await failureOf(createPool({ url, ca }))).code, "unauthenticated");
});

test("a certificate for another host is refused", async () => {
  const { url, ca } = await secure("127.0.0.1");
  const { code, retryable, message } = await failureOf(createPool({ url, ca }));
  assert.deepEqual({ code, retryable }, { code: "unauthenticated", retryable: false });
  assert.match(message, /the certificate of the server is for another host/);
});

test("without the check of certificates any server will do, still encrypted", async () => {
  const { url } = await secure("127.0.0.1");
  const pool = createPool({ url, dangerouslySkipCertificateCheck: true });
  await withPool(pool, async (pool) => assert.ok(await isEncrypted(pool)));
});

test("a server that does not speak TLS is refused, and the error says what to do", async () => {
  const plain = await startPostgres({ password: PASSWORD });
  try {
    const error = await failureOf(createPool({ url: `${plain.url}?sslmode=verify-full` }));
    assert.ok(error instanceof ConfigurationError);
    assert.match(error.message, /the server does not speak TLS; add sslmode=disable/);
  } finally {
    await plain[Symbol.asyncDispose]();
  }
});

test("a handshake that is never answered is unavailable at the acquire timeout", async () => {
  const { server } = await secureServer();
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port: server.port });
  try {
    proxy.add(timeout());
    const url = `${proxy.through(server.url)}?sslmode=verify-full`;
    const startMs = performance.now();
    const { code, retryable } = await failureOf(createPool({ url, acquireTimeoutMs: 300 }));
    assert.ok(performance.now() - startMs < 1_300);
    assert.deepEqual({ code, retryable }, { code: "unavailable", retryable: true });
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
});

test("a statement at its deadline is stopped on the server over TLS, too", async () => {
  const { url, ca } = await secure("localhost");
  await withPool(createPool({ url, ca }), async (pool) => {
    const sql = "select pg_sleep(30)";
    const { code } = await failureOf(pool.execute(sql, [], { timeoutMs: 200 }));
    assert.equal(code, "timeout");
    const endMs = performance.now() + 1_000;
    while (await isRunning(sql)) assert.ok(performance.now() < endMs, "it still runs");
  });
});

test("the server of the suite goes", async () => {
  await (await started)?.server[Symbol.asyncDispose]();
});

/** Its certificate is for `localhost`, but not for 127.0.0.1. */
function secureServer(): Promise<TlsServer> {
  started ??= createCertificate("DNS:localhost").then(async (authority) => ({
    authority,
    server: await startPostgres({ password: PASSWORD, tls: authority }),
  }));
  return started;
}

async function secure(host: string): Promise<{ readonly url: string; readonly ca: string }> {
  const { server, authority } = await secureServer();
  const url = server.url.replace("127.0.0.1", host);
  return { url: `${url}?sslmode=verify-full`, ca: authority.certificate };
}

async function withPool(
  opening: Promise<DatabasePool>,
  use: (pool: DatabasePool) => Promise<void>,
): Promise<void> {
  const pool = await opening;
  try {
    await use(pool);
  } finally {
    await pool.close(100);
  }
}

async function isEncrypted(pool: DatabasePool): Promise<boolean> {
  const sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
  return (await pool.execute(sql)).rows[0]?.["ssl"] === true;
}

async function isRunning(sql: string): Promise<boolean> {
  const { server } = await secureServer();
  const running = "select from pg_stat_activity where state = 'active' and query = $1";
  return await withClient(server.url, async (client) => {
    return (await client.query(running, [sql])).rowCount !== 0;
  });
}

/** The error, which has to be ours and to show no secret. */
async function failureOf(call: Promise<unknown>): Promise<InfrastructureError> {
  const error = await call.then(() => undefined, (error) => error);
  assert.ok(error instanceof InfrastructureError, `it did not fail as it should: ${error}`);
  const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) +
    error.message + error.stack;
  assert.ok(!shown.includes(PASSWORD), shown);
  return error;
}
