import assert from "node:assert/strict";
import { test } from "node:test";
import { open, settle } from "../../support/played_subscriber.ts";
import { until } from "../../support/until.ts";

/** As the package `redis` names its error replies. */
class SimpleError extends Error {}

test("a subscription is there when the server has confirmed it", async () => {
  const server = open();
  const connection = await server.open();
  let confirm = (): void => {};
  server.confirm = () => new Promise((resolve) => confirm = resolve);
  let isThere = false;
  const added = server.add(connection).then(() => isThere = true);
  await settle();
  assert.equal(isThere, false);
  confirm();
  await added;
  server.made[0]?.say("a");
  assert.deepEqual(server.heard, ["a"]);
  connection.close();
});

test("a subscription that the server refuses, or that is given up, is none", async () => {
  const server = open();
  const connection = await server.open();
  server.confirm = () => Promise.reject(new SimpleError("NOPERM no"));
  await assert.rejects(server.add(connection), { code: "permission_denied" });
  server.confirm = () => new Promise(() => {});
  const waiting = assert.rejects(server.add(connection, "pattern", "p*"), { code: "closed" });
  connection.remove("pattern", "p*");
  await waiting;
  assert.deepEqual(server.made[0]?.asked.slice(-1), ["-pattern p*"]);
  server.confirm = () => Promise.resolve();
  server.made[0]?.onBroken(new Error("reset"));
  await until("there is a new connection", () => server.made.length === 2 && connection.isReady);
  assert.deepEqual(server.made[1]?.asked, []);
  connection.close();
});

test("a new connection has every subscription before it hands on what it hears", async () => {
  const server = open();
  const connection = await server.connect();
  await server.add(connection, "pattern", "p*");
  const gates = new Map<string, () => void>();
  server.confirm = (name) => new Promise((resolve) => gates.set(name, resolve));
  server.made[0]?.onBroken(new Error("reset"));
  await until("it subscribes again", () => gates.size === 2);
  gates.get("channel")?.();
  await settle();
  server.made[1]?.say("early");
  assert.deepEqual(server.heard, ["gap"]);
  gates.get("p*")?.();
  await until("it is there", () => connection.isReady);
  server.made[1]?.say("late", "pattern p*");
  assert.deepEqual(server.heard, ["gap", "gap", "early", "late"]);
  connection.close();
});

test("what is wanted or given up while there is no connection is so on the next", async () => {
  const server = open();
  const connection = await server.connect();
  let accept = (): void => {};
  server.accept = () => new Promise((resolve) => accept = resolve);
  server.made[0]?.onBroken(new Error("reset"));
  const added = server.add(connection, "pattern", "p*");
  connection.remove("channel", "channel");
  accept();
  await added;
  assert.deepEqual(server.made[1]?.asked, ["+pattern p*"]);
  connection.close();
});

test("a subscription that is given up while it is restored goes again", async () => {
  const server = open();
  const connection = await server.connect();
  let confirm = (): void => {};
  server.confirm = () => new Promise((resolve) => confirm = resolve);
  server.made[0]?.onBroken(new Error("reset"));
  await until("it subscribes again", () => server.made[1]?.asked.length === 1);
  connection.remove("channel", "channel");
  confirm();
  await until("it is there", () => connection.isReady);
  assert.deepEqual(server.made[1]?.asked, ["+channel channel", "-channel channel"]);
  server.made[1]?.say("after");
  assert.deepEqual(server.heard, ["gap", "gap"]);
  connection.close();
});

test("a server that refuses what it had confirmed is asked again", async () => {
  const server = open();
  const connection = await server.connect();
  server.confirm = () => Promise.reject(new SimpleError("NOPERM no"));
  server.made[0]?.onBroken(new Error("reset"));
  await until("it was refused", () => server.made[1]?.destroyed === true);
  server.confirm = () => Promise.resolve();
  await until("it is there", () => {
    server.clock.advance(50);
    return connection.isReady;
  });
  server.made.at(-1)?.say("after");
  assert.equal(server.heard.at(-1), "after");
  connection.close();
});

test("a closed connection takes no subscriptions, and those that wait end", async () => {
  const server = open();
  const connection = await server.open();
  server.confirm = () => new Promise(() => {});
  const waiting = assert.rejects(server.add(connection), { code: "closed" });
  connection.close();
  await waiting;
  await assert.rejects(server.add(connection), { code: "closed" });
});
