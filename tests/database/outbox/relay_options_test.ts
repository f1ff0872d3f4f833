import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRelayOptions } from "../../../database/outbox/relay_options.ts";

test("what a relay is not told has a default", () => {
  const { observer: _, clock: __, ...settings } = checkRelayOptions({});
  assert.deepEqual(settings, {
    batchSize: 1_000,
    concurrency: 256,
    leaseMs: 30_000,
    pollMs: 1_000,
    listen: true,
    publishTimeoutMs: 10_000,
    backoff: { baseMs: 200, maxMs: 60_000 },
    maxAttempts: 10,
  });
});

test("an option that cannot be is refused by its name", () => {
  const wrong: Record<string, unknown[]> = {
    batchSize: [0, 10_001, 1.5, NaN],
    concurrency: [0, 10_001],
    leaseMs: [99, Infinity, "1000"],
    pollMs: [0, -1, Infinity],
    publishTimeoutMs: [0, NaN],
    maxAttempts: [0, 1.5],
  };
  for (const [field, values] of Object.entries(wrong)) {
    for (const value of values) {
      const call = (): unknown => checkRelayOptions({ [field]: value });
      assert.throws(call, { code: "invalid_input", field }, `${field} ${value}`);
    }
  }
  const backoff = { baseMs: 1, maxMs: NaN };
  assert.throws(() => checkRelayOptions({ backoff }), { field: "backoff.maxMs" });
});

test("an observer that throws breaks nothing", () => {
  const fail = (): never => {
    throw new Error("observer");
  };
  const { observer } = checkRelayOptions({ observer: { log: fail, count: fail, duration: fail } });
  observer.count("x", 1);
});
