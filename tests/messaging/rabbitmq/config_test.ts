import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigurationError, ValidationError } from "../../../core/errors.ts";
import { systemClock } from "../../../core/clock.ts";
import { checkConfig } from "../../../messaging/adapters/rabbitmq/config.ts";

describe("The configuration of RabbitMqStreamBus", () => {
  test("has a default for everything", () => {
    const { address, ...settings } = checkConfig({});
    assert.equal(`${address.username}@${address.host}:${address.port}`, "guest@127.0.0.1:5672");
    assert.deepEqual(settings, {
      ca: undefined,
      prefix: "exchange",
      maxPayloadBytes: 1_000_000,
      connectTimeoutMs: 5_000,
      heartbeatSeconds: 5,
      clock: systemClock,
    });
  });

  test("takes the time between heartbeats as whole seconds, rounded up", () => {
    assert.equal(checkConfig({ heartbeatMs: 1_000 }).heartbeatSeconds, 1);
    assert.equal(checkConfig({ heartbeatMs: 1_001 }).heartbeatSeconds, 2);
  });

  for (
    const [field, config] of [
      ["prefix", { prefix: "a/b" }],
      ["prefix", { prefix: "" }],
      ["prefix", { prefix: "p".repeat(51) }],
      ["prefix", { prefix: "amq.mine" }],
      ["maxPayloadBytes", { maxPayloadBytes: 0 }],
      ["connectTimeoutMs", { connectTimeoutMs: 0 }],
      ["heartbeatMs", { heartbeatMs: 999 }],
      ["heartbeatMs", { heartbeatMs: 600_001 }],
      ["heartbeatMs", { heartbeatMs: NaN }],
    ] as const
  ) {
    test(`refuses ${JSON.stringify(config).slice(0, 40)} and names ${field}`, () => {
      assert.throws(() => checkConfig(config), (error) => {
        assert.ok(error instanceof ValidationError);
        return error.field === field;
      });
    });
  }

  test("refuses what is no configuration, a malformed URL, and a ca without TLS", () => {
    assert.throws(() => checkConfig(null as never), ValidationError);
    assert.throws(() => checkConfig({ url: "redis://host" }), ConfigurationError);
    assert.throws(() => checkConfig({ ca: "PEM" }), ConfigurationError);
    assert.equal(checkConfig({ url: "amqps://host", ca: "PEM" }).ca, "PEM");
  });
});
