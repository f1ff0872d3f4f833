import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { checkConfig, type RedisEventBusConfig } from "../../../messaging/adapters/redis/config.ts";
import { ConfigurationError, ValidationError } from "../../../core/errors.ts";

test("what is not said has its default", () => {
  const { target, source, maxPayloadBytes, timeoutMs, connectTimeoutMs } = checkConfig({}, {});
  assert.equal(target.name, "127.0.0.1:6379");
  assert.deepEqual([source, maxPayloadBytes, timeoutMs, connectTimeoutMs], [
    "/benchmark-exchange",
    1_000_000,
    10_000,
    2_000,
  ]);
});

test("a malformed option is named", () => {
  const cases: Record<string, RedisEventBusConfig> = {
    source: { source: "größe" },
    maxPayloadBytes: { maxPayloadBytes: 0 },
    timeoutMs: { timeoutMs: 0 },
    connectTimeoutMs: { connectTimeoutMs: NaN },
  };
  for (const [field, config] of Object.entries(cases)) {
    assert.throws(() => checkConfig(config, {}), (error) => {
      assert.ok(error instanceof ValidationError);
      assert.equal(error.field, field);
      return true;
    });
  }
  for (const source of [undefined, null, "redis://127.0.0.1"]) {
    assert.throws(() => checkConfig(source as unknown as RedisEventBusConfig, {}), /use source/);
  }
});

test("a URL that is none shows no password", () => {
  for (const url of ["redis://:s3cr3t@host:99999", "http://u:s3cr3t@host", "s3cr3t"]) {
    assert.throws(() => checkConfig({ url }, {}), (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.equal(inspect(error, { depth: 10, showHidden: true }).includes("s3cr3t"), false);
      return true;
    });
  }
});

test("the options of a client that was passed in are beside it", () => {
  const client = { duplicate: () => client, options: { socket: { host: "h", port: 1 } } };
  const settings = checkConfig(client, { timeoutMs: 5 });
  assert.deepEqual([settings.target.name, settings.timeoutMs], ["h:1", 5]);
});
