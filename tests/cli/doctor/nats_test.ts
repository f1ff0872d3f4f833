import assert from "node:assert/strict";
import { examine } from "../../support/examined.ts";
import { withNatsServer } from "../../support/faulty_nats.ts";
import { freePort } from "../../support/free_port.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("nats");
const PASSWORD = "s3cr3t-of-nats";

async function examineUrl(url: string, ...args: string[]) {
  return await examine({ NATS_URL: url }, { secret: PASSWORD, args });
}

test("a server with JetStream is well, and the wrong password refused", () =>
  withNatsServer({ login: { user: "exchange", password: PASSWORD } }, async ({ url }) => {
    const { code, names } = await examineUrl(url);
    const expected = ["reachable", "credentials", "version", "JetStream", "latency"];
    assert.deepEqual([code, names], [0, expected.map((name) => `ok ${name}`)]);
    const wrong = await examineUrl(url.replace(PASSWORD, "other"));
    assert.deepEqual([wrong.code, wrong.names], [1, ["ok reachable", "failed credentials"]]);
  }));

test("a server without JetStream fails, and says how to start it", () =>
  withNatsServer({ jetstream: false }, async ({ url }) => {
    const { code, findings } = await examineUrl(url);
    assert.equal(code, 1);
    assert.match(findings.get("failed JetStream")!.fix ?? "", /--jetstream/);
  }));

test("a closed port, a silent server and a URL that cannot be are told", async () => {
  const closed = `nats://user:${PASSWORD}@127.0.0.1:${await freePort()}`;
  assert.deepEqual((await examineUrl(closed)).names, ["failed reachable"]);
  const { names } = await examineUrl(`http://user:${PASSWORD}@h`);
  assert.deepEqual(names, ["failed configuration"]);
  await withNatsServer({}, async (server) => {
    await server.pause();
    const { names } = await examineUrl(server.url, "--timeout-ms", "300");
    assert.deepEqual(names, ["failed reachable"]);
    server.resume();
  });
});
