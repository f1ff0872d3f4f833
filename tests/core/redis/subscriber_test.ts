import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { hear, type HearingClient } from "../../../core/redis/subscriber.ts";

type Listener = Parameters<HearingClient["subscribe"]>[1];

/** A client that notes what it is asked for. */
class Client implements HearingClient {
  readonly asked: string[] = [];
  readonly listeners: Listener[] = [];

  sendCommand(args: readonly (string | Uint8Array)[]): Promise<unknown> {
    this.asked.push(args.join(" "));
    return Promise.resolve("PONG");
  }

  subscribe(name: string, listener: Listener): Promise<unknown> {
    return this.#note(`subscribe ${name}`, listener);
  }

  pSubscribe(name: string, listener: Listener): Promise<unknown> {
    return this.#note(`pSubscribe ${name}`, listener);
  }

  unsubscribe(name: string, listener: Listener): Promise<unknown> {
    return this.#note(`unsubscribe ${name}`, listener);
  }

  pUnsubscribe(name: string, listener: Listener): Promise<unknown> {
    return this.#note(`pUnsubscribe ${name}`, listener);
  }

  #note(what: string, listener: Listener): Promise<unknown> {
    this.asked.push(what);
    this.listeners.push(listener);
    return Promise.resolve();
  }
}

const unbroken = (): never => assert.fail("nothing has broken");

test("a message arrives with its channel and its bytes", async () => {
  const client = new Client();
  const heard: unknown[] = [];
  const subscriber = hear(client, () => {}, unbroken);
  await subscriber.add("pattern", "events:*", (channel, bytes) => heard.push(channel, [...bytes]));
  client.listeners[0]?.(Buffer.from([0, 255]), Buffer.from("events:user"));
  assert.deepEqual(heard, ["events:user", [0, 255]]);
});

test("what fails on a message never reaches the client, and breaks the connection", async () => {
  const client = new Client();
  const errors: unknown[] = [];
  const failure = new Error("a bad listener");
  const subscriber = hear(client, () => {}, (error) => errors.push(error));
  await subscriber.add("channel", "events:user", () => {
    throw failure;
  });
  assert.doesNotThrow(() => client.listeners[0]?.(Buffer.from("a"), Buffer.from("events:user")));
  assert.deepEqual(errors, []);
  await Promise.resolve();
  assert.deepEqual(errors, [failure]);
});

test("a subscription is ended with its own listener, once", async () => {
  const client = new Client();
  const subscriber = hear(client, () => {}, unbroken);
  await subscriber.add("channel", "x", () => {});
  await subscriber.add("pattern", "x", () => {});
  await subscriber.remove("pattern", "x");
  await subscriber.remove("channel", "x");
  await subscriber.remove("channel", "x");
  const [first, second, third, fourth] = client.listeners;
  assert.deepEqual(client.asked, [
    "subscribe x",
    "pSubscribe x",
    "pUnsubscribe x",
    "unsubscribe x",
  ]);
  assert.deepEqual([third, fourth], [second, first]);
});

test("it asks the server, and ends with its client", async () => {
  const client = new Client();
  let destroyed = 0;
  const subscriber = hear(client, () => destroyed++, unbroken);
  assert.equal(await subscriber.ping(), "PONG");
  subscriber.destroy();
  assert.deepEqual([client.asked, destroyed], [["PING"], 1]);
});
