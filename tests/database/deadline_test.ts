import assert from "node:assert/strict";
import { test } from "node:test";
import { DatabasePool } from "../../database/database_pool.ts";
import { leftMs, shareDeadline } from "../../database/deadline.ts";
import { FakeDriver } from "../support/fake_driver.ts";

const pool = new DatabasePool(new FakeDriver(), { timeoutMs: 10_000 });

test("a deadline that has passed still gives a valid timeout", () => {
  assert.equal(leftMs(-Infinity), 1);
  assert.ok(leftMs(performance.now() + 1_000) > 900);
});

test("a shared deadline is that of the call, else that of the database, and shrinks", async () => {
  const { signal } = new AbortController();
  const given = shareDeadline(pool, { signal, timeoutMs: 1_000 });
  const byDefault = shareDeadline(pool, {});
  const before = given().timeoutMs ?? NaN;
  await new Promise((resolve) => setTimeout(resolve, 10));
  const after = given().timeoutMs ?? NaN;
  assert.ok(before <= 1_000 && after > 500 && after < before, `${before}, ${after}`);
  assert.equal(given().signal, signal);
  const leftByDefault = byDefault().timeoutMs ?? NaN;
  assert.ok(leftByDefault > 9_000 && leftByDefault < 10_000, String(leftByDefault));
});

test("a bad timeout is refused before the first statement", () => {
  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    assert.throws(() => shareDeadline(pool, { timeoutMs }), { field: "timeoutMs" });
  }
});
