import assert from "node:assert/strict";
import { test } from "node:test";
import { open, Server, settle } from "../../support/played_subscriber.ts";
import { until } from "../../support/until.ts";

test("messages are heard until it is closed, and there is no gap at the beginning", async () => {
  const server = open();
  const connection = await server.connect();
  server.made[0]?.say("a");
  connection.close();
  connection.close();
  assert.deepEqual(server.heard, ["a"]);
  assert.equal(server.gaps, 0);
  assert.equal(server.made[0]?.destroyed, true);
  assert.equal(server.clock.pendingTimers, 0);
});

test("a connection that is there in the moment of the close is destroyed, too", async () => {
  for (let moment = 0; moment < 15; moment++) {
    const server = open();
    const connection = await server.connect();
    server.made[0]?.onBroken(new Error("it broke"));
    for (let i = 0; i < moment; i++) await Promise.resolve();
    connection.close();
    await settle();
    assert.ok(server.made.every((one) => one.destroyed), `closed at moment ${moment}`);
  }
});

test("a connection that breaks is thrown away, and there is a gap then and when a new one is there", async () => {
  const server = open();
  const connection = await server.connect();
  server.accept = () => Promise.reject(new Error("refused"));
  server.made[0]?.onBroken(new Error("reset"));
  server.made[0]?.onBroken(new Error("ended"));
  assert.equal(server.made[0]?.destroyed, true);
  assert.equal(server.gaps, 1);
  assert.deepEqual(server.counts, ["cache.subscription_lost"]);
  server.accept = () => Promise.resolve();
  await until("a new connection is there", () => {
    server.clock.advance(50);
    return server.gaps === 2;
  });
  server.made.at(-1)?.say("after");
  assert.deepEqual(server.heard, ["gap", "gap", "after"]);
  connection.close();
});

test("a server that was away for long is found again within a few seconds of its return", async () => {
  const server = open();
  const connection = await server.connect();
  const attemptsMs: number[] = [];
  server.accept = () => {
    attemptsMs.push(server.clock.monotonic());
    return Promise.reject(new Error("refused"));
  };
  server.made[0]?.onBroken(new Error("reset"));
  for (let step = 0; step < 3_000; step++) {
    server.clock.advance(100);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
  const pauses = attemptsMs.slice(1).map((atMs, i) => atMs - attemptsMs[i]!);
  assert.ok(pauses.length > 100 && Math.max(...pauses) < 2_300, `${Math.max(...pauses)} ms`);
  connection.close();
});

test("a server that does not answer a ping within a second is given up", async () => {
  const server = open();
  const connection = await server.open();
  const [first] = server.made;
  assert.ok(first);
  server.clock.advance(2_999);
  assert.equal(first.pings, 0);
  server.clock.advance(1);
  assert.equal(first.pings, 1);
  server.clock.advance(999);
  assert.equal(first.destroyed, false);
  server.clock.advance(1);
  assert.equal(first.destroyed, true);
  assert.equal(server.gaps, 1);
  await until("it is replaced", () => server.gaps === 2);
  connection.close();
});

test("a server that answers is asked again every three seconds, and kept", async () => {
  const server = open();
  const connection = await server.open();
  const [first] = server.made;
  assert.ok(first);
  first.answer = () => Promise.resolve("PONG");
  for (let i = 0; i < 5; i++) {
    server.clock.advance(3_000);
    await settle();
  }
  assert.equal(first.pings, 5);
  assert.equal(server.made.length, 1);
  connection.close();
});

test("a ping that is refused breaks the connection", async () => {
  const server = open();
  const connection = await server.open();
  const [first] = server.made;
  assert.ok(first);
  first.answer = () => Promise.reject(new Error("LOADING"));
  server.clock.advance(3_000);
  await until("there is a gap", () => server.gaps > 0);
  assert.equal(first.destroyed, true);
  connection.close();
});

test("the first connection is tried once, and its failure is an error of the cache", async () => {
  const server = new Server();
  server.accept = () =>
    Promise.reject(Object.assign(new Error("x://user:secret@"), { code: "ECONNREFUSED" }));
  await assert.rejects(server.open(), (error: Error & { code?: string }) => {
    assert.equal(error.code, "unavailable");
    assert.doesNotMatch(`${error.message}${error.cause}`, /secret/);
    return true;
  });
  assert.equal(server.made.length, 1);
  assert.equal(server.clock.pendingTimers, 0);
});

test("an attempt that takes longer than connectTimeoutMs is given up, and what comes of it is destroyed", async () => {
  const server = new Server();
  let accept = (): void => {};
  server.accept = () => new Promise((resolve) => accept = resolve);
  const connecting = assert.rejects(server.open(), { code: "timeout" });
  server.clock.advance(2_000);
  await connecting;
  assert.equal(server.made[0]?.signal.aborted, true);
  accept();
  await until("it is destroyed", () => server.made[0]?.destroyed === true);
});

test("a connection that broke before it was ready is none", async () => {
  const server = new Server();
  server.accept = () => {
    server.made[0]?.onBroken(undefined);
    return Promise.resolve();
  };
  await assert.rejects(server.open(), { code: "unavailable" });
  assert.equal(server.made[0]?.destroyed, true);
  assert.equal(server.gaps, 0);
});

test("new connections are tried until one works, two seconds apart at most", async () => {
  const server = open();
  const connection = await server.connect();
  server.accept = () => Promise.reject(new Error("refused"));
  server.made[0]?.onBroken(new Error("reset"));
  for (let attempts = 2; attempts < 12; attempts++) {
    await until("there is another attempt", () => server.made.length >= attempts);
    await settle();
    server.clock.advance(2_000);
  }
  server.accept = () => Promise.resolve();
  await until("it works", () => {
    server.clock.advance(50);
    return server.gaps === 2;
  });
  connection.close();
});

test("closing ends the attempts and their pauses", async () => {
  for (const accept of [undefined, () => Promise.reject(new Error("refused"))]) {
    const server = open();
    const connection = await server.connect();
    server.accept = accept as () => Promise<void>;
    server.made[0]?.onBroken(new Error("reset"));
    await settle();
    connection.close();
    await settle();
    const attempts = server.made.length;
    server.clock.advance(60_000);
    await settle();
    assert.equal(server.made.length, attempts);
    assert.equal(server.clock.pendingTimers, 0);
    assert.equal(server.gaps, 1);
  }
});
