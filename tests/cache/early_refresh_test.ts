import assert from "node:assert/strict";
import { test } from "node:test";
import { isRefreshDue } from "../../cache/early_refresh.ts";

/** The share of reads that are due, with evenly spread random numbers. */
function share(leftMs: number, loadMs: number, eagerness: number): number {
  const reads = 10_000;
  let due = 0;
  for (let i = 0; i < reads; i++) {
    if (isRefreshDue({ leftMs, loadMs, eagerness }, () => i / reads)) due++;
  }
  return due / reads;
}

test("a read is due with probability exp(-left / (load * β)), as the paper says", () => {
  for (const [leftMs, loadMs, beta] of [[100, 100, 1], [100, 50, 1], [100, 50, 2], [1, 1, 0.5]]) {
    const expected = Math.exp(-leftMs! / (loadMs! * beta!));
    assert.ok(Math.abs(share(leftMs!, loadMs!, beta!) - expected) < 0.001, `${leftMs} ${loadMs}`);
  }
});

test("nothing is due without eagerness, without an expiry, or when its load took no time", () => {
  assert.equal(share(1, 1_000, 0), 0);
  assert.equal(share(Infinity, 1_000, 1), 0);
  assert.equal(share(1, 0, 1), 0);
});

test("what has expired is due", () => {
  assert.equal(share(0, 100, 1), 1);
  assert.equal(share(-5, 100, 1), 1);
});
