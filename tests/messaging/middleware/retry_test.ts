import assert from "node:assert/strict";
import { deliveryContext, messageOf } from "../../support/deliveries.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
import { retry } from "../../../messaging/middleware/retry.ts";
import { test } from "node:test";
import { until } from "../../support/until.ts";
import { ValidationError } from "../../../core/errors.ts";

const backoff = { baseMs: 0, maxMs: 0 };

/** A handler that fails so many times. */
function failing(times: number): { handler: () => string; calls: () => number } {
  let calls = 0;
  const handler = (): string => {
    if (++calls <= times) throw new Error(`failure ${calls}`);
    return "done";
  };
  return { handler, calls: () => calls };
}

test("a handler that fails is called again, as often as it may be", async () => {
  const good = failing(2);
  const message = messageOf(1);
  const handle = retry({ attempts: 3, backoff })(good.handler);
  assert.equal(await handle(message, deliveryContext()), "done");
  assert.equal(good.calls(), 3);
  const bad = failing(3);
  const fail = retry({ attempts: 3, backoff })(bad.handler);
  await assert.rejects(async () => await fail(message, deliveryContext()), /failure 3/);
  assert.equal(bad.calls(), 3);
});

test("an error that another attempt does not help is not tried again", async () => {
  const { handler, calls } = failing(1);
  const handle = retry({ attempts: 3, backoff, when: (error) => !/1/.test(String(error)) })(
    handler,
  );
  await assert.rejects(async () => await handle(messageOf(1), deliveryContext()), /failure 1/);
  assert.equal(calls(), 1);
});

test("an abort ends the pause, and the handler's own error is told", async () => {
  const clock = new ManualClock();
  const { handler, calls } = failing(5);
  const context = deliveryContext();
  const handle = retry({ attempts: 3, clock })(handler);
  const handled = (async () => await handle(messageOf(1), context))();
  await until("the pause", () => clock.pendingTimers === 1);
  context.abort("closing");
  await assert.rejects(handled, /failure 1/);
  assert.deepEqual([calls(), clock.pendingTimers], [1, 0]);
  await assert.rejects(async () => await handle(messageOf(1), context), /failure 2/);
});

test("a number of attempts that is none is refused", () => {
  for (const attempts of [0, 1.5, 101, NaN]) {
    assert.throws(() => retry({ attempts }), ValidationError);
  }
});
