import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../support/free_port.ts";
import { runRecorded } from "../support/recorded_io.ts";
import {
  findService,
  type ServiceName,
  serviceTest,
  serviceVariables,
} from "../support/services.ts";

const NAMES = {
  postgres: "PostgreSQL",
  redis: "Redis",
  nats: "NATS",
  rabbitmq: "RabbitMQ",
  s3: "S3",
};

for (const [service, name] of Object.entries(NAMES) as [ServiceName, string][]) {
  serviceTest(await findService(service))(
    `${name} is reached, by its variables alone`,
    async (url) => {
      const environment = serviceVariables(service, url);
      const { stdout } = await runRecorded(["doctor", "--json"], { environment });
      const { servers } = JSON.parse(stdout) as {
        servers: {
          name: string;
          configured: boolean;
          findings: { level: string; check: string }[];
        }[];
      };
      assert.deepEqual(servers.map((server) => server.name), Object.values(NAMES));
      for (const server of servers) assert.equal(server.configured, server.name === name);
      const checks = servers.flatMap(({ findings }) => findings)
        .filter(({ check }) => check === "reachable" || check === "credentials");
      assert.deepEqual(checks.map(({ level }) => level), ["ok", "ok"]);
    },
  );
}

test("nothing configured is wrong use, and so is a deadline that cannot be", async () => {
  const { code, stdout, stderr } = await runRecorded(["doctor"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(
    stderr,
    /^doctor: Cannot check anything: none of DATABASE_URL, REDIS_URL, NATS_URL,/,
  );
  const short = await runRecorded(["doctor", "--timeout-ms", "99"]);
  assert.equal(short.code, 2);
  assert.match(short.stderr, /--timeout-ms: it must be an integer from 100 to 60000, got 99/);
});

test("every server is examined, whatever is wrong with those before it", async () => {
  const port = await freePort();
  const environment = {
    DATABASE_URL: `postgres://user:s3cr3t@127.0.0.1:${port}/x`,
    REDIS_URL: `redis://user:s3cr3t@127.0.0.1:${port}`,
    NATS_URL: `nats://user:s3cr3t@127.0.0.1:${port}`,
    RABBITMQ_URL: `amqp://user:s3cr3t@127.0.0.1:${port}`,
    S3_ENDPOINT: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: "user",
    AWS_SECRET_ACCESS_KEY: "s3cr3t",
  };
  const { code, stdout, stderr } = await runRecorded(["doctor"], { environment });
  assert.deepEqual([code, stderr], [1, ""]);
  assert.equal(
    stdout.match(/^ {2}failed {3}reachable: .*\n {11}fix: Start the server/gm)?.length,
    5,
  );
  assert.match(stdout, /^5 failed, 0 to look at, 0 fine\n$/m);
  assert.doesNotMatch(stdout, /s3cr3t/);
});

test("colors are on a terminal only, and never in JSON", async () => {
  const environment = { REDIS_URL: `redis://127.0.0.1:${await freePort()}` };
  const run = async (isTerminal: boolean, ...args: string[]): Promise<boolean> => {
    const { stdout } = await runRecorded(["doctor", ...args], { environment, isTerminal });
    return stdout.includes("\u001b");
  };
  assert.deepEqual([await run(true), await run(false), await run(true, "--json")], [
    true,
    false,
    false,
  ]);
});
