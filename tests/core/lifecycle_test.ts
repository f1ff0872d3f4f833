import assert from "node:assert/strict";
import { test } from "node:test";
import { Lifecycle } from "../../core/lifecycle.ts";

test("everything is closed, the last opened first, one after the other", async () => {
  const lifecycle = new Lifecycle();
  const log: string[] = [];
  lifecycle.onClose(() => {
    log.push("first");
  });
  lifecycle.onClose(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    log.push("second");
  });
  await lifecycle.close();
  assert.deepEqual(log, ["second", "first"]);
});

test("everything is closed also when some of it fails; the first failure is reported", async () => {
  const lifecycle = new Lifecycle();
  const log: string[] = [];
  lifecycle.onClose(() => {
    log.push("closed");
  });
  lifecycle.onClose(() => Promise.reject(new Error("second to fail")));
  lifecycle.onClose(() => {
    throw new Error("first to fail");
  });
  await assert.rejects(lifecycle.close(), /first to fail/);
  assert.deepEqual(log, ["closed"]);
});

test("closing again closes nothing twice and ends the same way", async () => {
  const lifecycle = new Lifecycle();
  let closed = 0;
  lifecycle.onClose(() => {
    closed++;
    throw new Error("broken");
  });
  const first = lifecycle.close();
  assert.equal(lifecycle.close(), first);
  await assert.rejects(first, /broken/);
  await assert.rejects(lifecycle[Symbol.asyncDispose](), /broken/);
  assert.equal(closed, 1);
});

test("an owner of nothing closes", async () => {
  await new Lifecycle().close();
});
