import assert from "node:assert/strict";
import { test } from "node:test";
import type { LockOptions } from "../../core/lock.ts";
import { checkLockCall } from "../../core/lock_rules.ts";

const fn = (): void => {};

test("without options a lock lives ten seconds and is waited for as long", () => {
  const defaults = { ttlMs: 10_000, waitMs: 10_000, signal: undefined };
  assert.deepEqual(checkLockCall("a:b", fn), defaults);
  const absent = { ttlMs: undefined, waitMs: undefined, signal: undefined };
  assert.deepEqual(checkLockCall("a:b", fn, absent), defaults);
});

test("the least and the greatest durations are kept", () => {
  const { signal } = new AbortController();
  for (const terms of [{ ttlMs: 100, waitMs: 0 }, { ttlMs: 2 ** 31 - 1, waitMs: 2 ** 31 - 1 }]) {
    assert.deepEqual(checkLockCall("n", fn, { ...terms, signal }), { ...terms, signal });
  }
});

const BAD: readonly [field: string, call: readonly unknown[]][] = [
  ["name", ["", fn]],
  ["name", ["s3cr3t*", fn]],
  ["name", ["k".repeat(513), fn]],
  ["name", [5, fn]],
  ["fn", ["n", undefined]],
  ["fn", ["n", {}]],
  ["options", ["n", fn, null]],
  ["options", ["n", fn, 5]],
  ...[99, 0, -1, 100.5, NaN, Infinity, 2 ** 31, "1000", null].map((ttlMs) =>
    ["ttlMs", ["n", fn, { ttlMs }]] as [string, unknown[]]
  ),
  ...[-1, 0.5, NaN, Infinity, 2 ** 31, "0", null].map((waitMs) =>
    ["waitMs", ["n", fn, { waitMs }]] as [string, unknown[]]
  ),
  ...[null, 5, {}, { aborted: false }].map((signal) =>
    ["signal", ["n", fn, { signal }]] as [string, unknown[]]
  ),
];

test("everything else is refused by its field, and the name is never shown", () => {
  for (const [field, [name, fn, options]] of BAD) {
    assert.throws(() => checkLockCall(name, fn, options as LockOptions), (error: Error) => {
      assert.equal((error as { field?: unknown }).field, field);
      assert.doesNotMatch(error.message, /s3cr3t/);
      return true;
    });
  }
});
