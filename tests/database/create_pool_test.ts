import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { createPool, type DatabaseConfig } from "../../database/create_pool.ts";
import { FakeDriver, NOTHING } from "../support/fake_driver.ts";
import { freePort } from "../support/free_port.ts";

test("a driver of one's own is used, asked once, and closed with the pool", async () => {
  const driver = new FakeDriver();
  const pool = await createPool({ driver, max: 3 });
  assert.equal(driver.attempted, 1);
  assert.equal((await pool.check())["driver"], "fake");
  await pool.close();
  assert.ok(driver.closed);
});

test("a configuration has exactly one kind of database", async () => {
  const driver = new FakeDriver();
  const bad: [config: object, message: RegExp][] = [
    [{}, /got none$/],
    [{ max: 3 }, /got none$/],
    [{ driver, url: "postgres://ada:canary@localhost/db" }, /got url and driver$/],
    [{ embedded: {}, driver }, /got embedded and driver$/],
  ];
  for (const [config, message] of bad) {
    await assert.rejects(createPool(config as DatabaseConfig), {
      ...{ name: "ConfigurationError", code: "configuration_invalid", message },
    });
  }
  assert.equal(driver.attempted, 0);
});

test("a missing or malformed URL is a configuration error", async () => {
  for (const url of [undefined, "", "canary", "postgres://ada:canary@localhost"]) {
    await assert.rejects(createPool({ url: url as string }), (error: Error) => {
      assert.equal(error.name, "ConfigurationError");
      assert.ok(!inspect(error, { depth: 10 }).includes("canary"));
      return true;
    });
  }
});

test("a bad option is refused before anything is opened", async () => {
  const driver = new FakeDriver();
  await assert.rejects(createPool({ driver, max: 0 }), { code: "invalid_input", field: "max" });
  assert.equal(driver.attempted, 0);
});

test("a database that does not answer as it should closes what was opened", async () => {
  const driver = new FakeDriver();
  driver.answer = () => Promise.reject(Object.assign(new Error("x"), { code: "28000" }));
  await assert.rejects(createPool({ driver }), { code: "unauthenticated" });
  assert.ok(driver.closed && driver.connections[0]?.closed);
  driver.answer = () => Promise.resolve(NOTHING);
});

test("a server that is down, or a host that does not exist, is said to be that", async () => {
  const port = await freePort();
  for (const host of ["127.0.0.1", "localhost"]) {
    const call = createPool({ url: `postgres://ada:canary@${host}:${port}/db` });
    await assert.rejects(call, (error: Error & Record<string, unknown>) => {
      assert.deepEqual([error["code"], error["retryable"]], ["unavailable", true]);
      assert.match(error.message, /^Cannot open database: the server refused the connection/);
      assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes("canary"));
      return true;
    });
  }
  const nowhere = createPool({ url: "postgres://ada:canary@nowhere.invalid/db" });
  await assert.rejects(nowhere, { code: "unavailable", message: /host name/ });
});
