import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConfig } from "../../../messaging/adapters/redis/config.ts";

test("without anything it is the server on loopback, with the limits of every bus", () => {
  const settings = checkConfig({}, {});
  assert.equal(settings.target.name, "127.0.0.1:6379");
  assert.equal(settings.source, "/benchmark-exchange");
  assert.equal(settings.maxPayloadBytes, 1_000_000);
  assert.deepEqual([settings.timeoutMs, settings.connectTimeoutMs], [10_000, 2_000]);
});

test("options beside a client are those of the bus", () => {
  const client = { duplicate: () => ({}) };
  assert.equal(checkConfig(client, { source: "/evaluation" }).source, "/evaluation");
});

const BAD: readonly (readonly [config: object, field: string])[] = [
  [{ source: "" }, "source"],
  [{ source: "a\nb" }, "source"],
  [{ maxPayloadBytes: 0 }, "maxPayloadBytes"],
  [{ timeoutMs: NaN }, "timeoutMs"],
  [{ connectTimeoutMs: "5" }, "connectTimeoutMs"],
];

for (const [config, field] of BAD) {
  test(`${JSON.stringify(config)} is refused by the name of its field`, () => {
    assert.throws(() => checkConfig(config, {}), { code: "invalid_input", field });
  });
}

test("a URL in place of a configuration is refused and not shown", () => {
  for (const source of ["redis://:s3cr3t@host", null, 5] as unknown as object[]) {
    assert.throws(() => checkConfig(source, {}), (error: { message: string; field: string }) => {
      assert.equal(error.field, "source");
      assert.ok(!error.message.includes("s3cr3t"));
      return true;
    });
  }
});
