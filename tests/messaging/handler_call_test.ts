import assert from "node:assert/strict";
import { ManualClock } from "../conformance/manual_clock.ts";
import { MessagingError } from "../../core/errors.ts";
import { HandlerCall } from "../../messaging/handler_call.ts";
import type { Message } from "../../messaging/messaging.ts";
import { test } from "node:test";

const MESSAGE = { id: "event-1", channel: "events:user" } as Message;

test("a call ends as its handler does", async () => {
  const deadline = { timeoutMs: 10, clock: new ManualClock() };
  assert.equal(new HandlerCall().run(MESSAGE, () => "done", deadline), undefined);
  await new HandlerCall().run(MESSAGE, () => Promise.resolve(), deadline);
  const failing = (): never => {
    throw new Error("it failed");
  };
  assert.throws(() => new HandlerCall().run(MESSAGE, failing, deadline), /it failed/);
  const rejecting = () => Promise.reject(new Error("it failed late"));
  const late = async () => await new HandlerCall().run(MESSAGE, rejecting, deadline);
  await assert.rejects(late, /it failed late/);
  assert.equal(deadline.clock.pendingTimers, 0);
});

test("a handler that takes too long is told so", async () => {
  const clock = new ManualClock();
  const call = new HandlerCall();
  const { signal } = call;
  const run = call.run(MESSAGE, () => new Promise(() => {}), { timeoutMs: 10, clock });
  clock.advance(10);
  await assert.rejects(async () => await run, (error) => {
    assert.ok(error instanceof MessagingError);
    assert.equal(error.code, "timeout");
    assert.match(error.message, /message event-1 on events:user: not done within 10 ms/);
    return error === signal.reason;
  });
});

test("a handler that asks late learns that it has to stop", () => {
  const call = new HandlerCall();
  call.abort("closing");
  assert.deepEqual([call.signal.aborted, call.signal.reason], [true, "closing"]);
  assert.equal(new HandlerCall().signal.aborted, false);
});
