import assert from "node:assert/strict";
import { test } from "node:test";
import { examine } from "../../support/examined.ts";
import { freePort } from "../../support/free_port.ts";
import { findService, serviceTest } from "../../support/services.ts";

const rabbitMqTest = serviceTest(await findService("rabbitmq"));
const PASSWORD = "s3cr3t-of-rabbitmq";

rabbitMqTest("a server with quorum queues is well, and the wrong password refused", async (url) => {
  const { code, names } = await examine({ RABBITMQ_URL: url });
  const expected = ["reachable", "credentials", "version", "quorum queues", "latency"];
  assert.deepEqual([code, names], [0, expected.map((name) => `ok ${name}`)]);
  const wrong = new URL(url);
  wrong.password = PASSWORD;
  const refused = await examine({ RABBITMQ_URL: wrong.href }, { secret: PASSWORD });
  assert.deepEqual([refused.code, refused.names], [1, ["ok reachable", "failed credentials"]]);
});

rabbitMqTest("a virtual host that does not exist is told", async (url) => {
  const missing = new URL(url);
  missing.pathname = "/missing";
  const { names, findings } = await examine({ RABBITMQ_URL: missing.href });
  assert.deepEqual(names, ["ok reachable", "failed credentials"]);
  assert.match(findings.get("failed credentials")!.found, /the virtual host does not exist/);
});

test("a closed port and a URL that cannot be are told", async () => {
  const closed = `amqp://user:${PASSWORD}@127.0.0.1:${await freePort()}`;
  const { names } = await examine({ RABBITMQ_URL: closed }, { secret: PASSWORD });
  assert.deepEqual(names, ["failed reachable"]);
  const malformed = `http://user:${PASSWORD}@h`;
  const other = await examine({ RABBITMQ_URL: malformed }, { secret: PASSWORD });
  assert.deepEqual(other.names, ["failed configuration"]);
});
