import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { ConfigurationError, ValidationError } from "../../../core/errors.ts";
import { checkConfig, type NatsStreamBusConfig } from "../../../messaging/adapters/nats/config.ts";

test("everything has a default", () => {
  const { clock: _, ...settings } = checkConfig({});
  assert.deepEqual(settings, {
    servers: [{ hostname: "127.0.0.1", port: 4222 }],
    login: {},
    tls: undefined,
    prefix: "exchange",
    connectTimeoutMs: 5_000,
    maxPayloadBytes: 1_000_000,
    replicas: 1,
    maxAgeMs: 0,
    maxRecords: undefined,
  });
});

test("a URL says where the servers are and who logs in", () => {
  const both = checkConfig({ url: ["nats://a%40b:p%2Fw@one:1", "nats://two"] });
  assert.deepEqual(both.servers, [{ hostname: "one", port: 1 }, { hostname: "two", port: 4222 }]);
  assert.deepEqual(both.login, { user: "a@b", pass: "p/w" });
  assert.deepEqual(checkConfig({ url: "nats://t0ken@[::1]:1" }).login, { token: "t0ken" });
  assert.deepEqual(checkConfig({ url: "tls://one" }).tls, {});
  assert.deepEqual(checkConfig({ url: "tls://one", ca: "pem" }).tls, { ca: "pem" });
});

test("a malformed URL is refused, and never shown", () => {
  const urls: unknown[] = [
    "s3cr3t",
    "http://s3cr3t@one",
    "nats://u:s3cr3t%@one",
    "nats://u:s3cr3t@one/path",
    "nats://u:s3cr3t@one?x",
    "nats://u:s3cr3t@one#x",
    "nats://u:s3cr3t@one:0",
    "nats://u:s3cr3t@one,two",
    [],
    ["nats://one", "tls://two"],
    5,
  ];
  for (const url of urls) {
    assert.throws(() => checkConfig({ url } as NatsStreamBusConfig), (error) => {
      assert.ok(error instanceof ConfigurationError, String(url));
      return !inspect(error, { depth: 5 }).includes("s3cr3t");
    });
  }
});

test("certificate authorities without TLS are refused", () => {
  assert.throws(() => checkConfig({ url: "nats://one", ca: "pem" }), ConfigurationError);
});

test("a malformed option is refused by its name", () => {
  const bad = {
    prefix: ["", "a.b", "a=b", "a*", ">", "a b", "x".repeat(41), 5],
    connectTimeoutMs: [0, NaN, "1"],
    maxPayloadBytes: [0, 1.5],
    replicas: [0, 6],
    maxAgeMs: [999, Infinity],
    maxRecords: [0],
  };
  for (const [field, values] of Object.entries(bad)) {
    for (const value of values) {
      assert.throws(() => checkConfig({ [field]: value }), (error) => {
        assert.ok(error instanceof ValidationError);
        assert.equal(error.field, field);
        return true;
      });
    }
  }
  assert.throws(() => checkConfig(null as unknown as NatsStreamBusConfig), { field: "config" });
});
