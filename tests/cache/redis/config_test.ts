import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConfig, type RedisCacheConfig } from "../../../cache/adapters/redis/config.ts";

test("without anything it is the server on loopback, failing open", () => {
  const settings = checkConfig({}, {});
  assert.equal(settings.keyOf("value", "k"), "exchange:k");
  assert.equal(settings.target.sharded, false);
  assert.equal(settings.failsOpen, true);
  assert.equal(settings.defaultTtlMs, Infinity);
  assert.deepEqual([settings.readTimeoutMs, settings.timeoutMs], [250, 2_000]);
});

test("a list of nodes is a cluster", () => {
  assert.equal(checkConfig({ cluster: ["redis://a", "redis://b:7000"] }, {}).target.sharded, true);
});

const BAD: [config: object, field: string][] = [
  [{ namespace: "a:b" }, "namespace"],
  [{ defaultTtlMs: 0 }, "defaultTtlMs"],
  [{ readTimeoutMs: -1 }, "readTimeoutMs"],
  [{ timeoutMs: NaN }, "timeoutMs"],
  [{ connectTimeoutMs: "5" }, "connectTimeoutMs"],
  [{ whenUnavailable: "throw" }, "whenUnavailable"],
  [{ maxConcurrentLoads: 0 }, "maxConcurrentLoads"],
  [{ leaseMs: 5 }, "leaseMs"],
  [{ compressAboveBytes: -1 }, "compressAboveBytes"],
  [{ schemas: { user: 5 } }, "schemas.user"],
];

for (const [config, field] of BAD) {
  test(`a bad ${field} is refused by its name`, () => {
    assert.throws(() => checkConfig(config, {}), { code: "invalid_input", field });
  });
}

const UNUSABLE: [config: RedisCacheConfig, problem: RegExp][] = [
  [{ url: "http://h" }, /url must start with redis/],
  [{ cluster: [] }, /cluster must name one node/],
  [{ cluster: ["redis://a", "b"] }, /cluster\[1\] /],
  [{ cluster: "redis://a" as unknown as string[] }, /cluster must be an array/],
  [{ url: "redis://a", cluster: ["redis://b"] }, /exclude each other/],
  [{ url: "redis://a", ca: "PEM" }, /url must start with rediss:\/\/, because there is a ca/],
  [{ cluster: ["redis://a", "redis://b/3"] }, /cluster\[1\] must not name a database/],
  [{ cluster: ["rediss://a", "redis://b"], ca: "PEM" }, /cluster\[1\] must start with rediss/],
];

for (const [config, problem] of UNUSABLE) {
  test(`${problem.source} is a problem of the configuration`, () => {
    assert.throws(() => checkConfig(config, {}), {
      code: "configuration_invalid",
      message: problem,
    });
  });
}

test("what is no configuration is refused, and not taken for the default; a URL is not shown", () => {
  for (
    const source of ["redis://:s3cr3t@cache.example", null, 5] as unknown as RedisCacheConfig[]
  ) {
    const message = /^Cannot use source: it must be a configuration or a client, got (?!.*s3cr3t)/;
    assert.throws(() => checkConfig(source, {}), { code: "invalid_input", message });
  }
});
