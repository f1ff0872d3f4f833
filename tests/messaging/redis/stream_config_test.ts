import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkStreamConfig,
  type RedisStreamBusConfig,
} from "../../../messaging/adapters/redis/stream_config.ts";
import { ValidationError } from "../../../core/errors.ts";

test("what is not said has its default", () => {
  const { target, namespace, source, maxPayloadBytes, keep } = checkStreamConfig({}, {});
  assert.deepEqual([target.name, namespace, source, maxPayloadBytes, keep], [
    "127.0.0.1:6379",
    "exchange",
    "/benchmark-exchange",
    1_000_000,
    100_000,
  ]);
});

test("a malformed option is named", () => {
  const cases: Record<string, RedisStreamBusConfig> = {
    namespace: { namespace: "a/b" },
    source: { source: "" },
    maxPayloadBytes: { maxPayloadBytes: -1 },
    keep: { keep: 1.5 },
    connectTimeoutMs: { connectTimeoutMs: 0 },
  };
  for (const [field, config] of Object.entries(cases)) {
    assert.throws(() => checkStreamConfig(config, {}), (error) => {
      assert.ok(error instanceof ValidationError);
      assert.equal(error.field, field);
      return true;
    });
  }
});
