import assert from "node:assert/strict";
import { test } from "node:test";
import { hear, type HearingClient } from "../../../cache/adapters/redis/subscriber.ts";

/** Subscribes a client that hands over the function it would call; returns that. */
async function listenerOf(
  onMessage: (text: string) => void,
  onBroken: (error: unknown) => void = () => assert.fail("nothing has broken"),
): Promise<(message: string) => void> {
  let listener: ((message: string) => void) | undefined;
  const client: HearingClient = {
    sendCommand: () => assert.fail("nothing is to be sent"),
    subscribe: (channel, given) => {
      assert.equal(channel, "channel");
      listener = given;
      return Promise.resolve();
    },
  };
  await hear(client, "channel", { onMessage, onBroken });
  assert.ok(listener);
  return listener;
}

test("a message is handed on after the client's listener has returned, in the order of arrival", async () => {
  const heard: string[] = [];
  const listener = await listenerOf((text) => heard.push(text));
  listener("a");
  listener("b");
  assert.deepEqual(heard, []);
  await Promise.resolve();
  assert.deepEqual(heard, ["a", "b"]);
});

test("what fails on a message never reaches the client, and breaks the connection", async () => {
  const errors: unknown[] = [];
  const failure = new Error("a bad listener");
  const listener = await listenerOf(() => {
    throw failure;
  }, (error) => errors.push(error));
  assert.doesNotThrow(() => listener("a"));
  await Promise.resolve();
  assert.deepEqual(errors, [failure]);
});

test("a subscription that is refused rejects", async () => {
  const client: HearingClient = {
    sendCommand: () => Promise.resolve(),
    subscribe: () => Promise.reject(new Error("NOPERM")),
  };
  const events = { onMessage: () => {}, onBroken: () => {} };
  await assert.rejects(hear(client, "channel", events), { message: "NOPERM" });
});
