import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ChannelListener, checkChannel } from "../../database/channel_listener.ts";
import type { DriverListener, DriverListenerEvents } from "../../database/driver.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

/** A server to listen to, whose sessions a test plays. */
class Server {
  readonly clock = new ManualClock();
  readonly sessions: DriverListenerEvents[] = [];
  /** What was heard and closed, in order. */
  readonly log: string[] = [];
  connect: () => Promise<void> = () => Promise.resolve();
  check: () => Promise<void> = () => Promise.resolve();

  readonly listen = async (events: DriverListenerEvents): Promise<DriverListener> => {
    this.sessions.push(events);
    await this.connect();
    const close = (): Promise<void> => Promise.resolve(void this.log.push("closed"));
    return { check: () => this.check(), close };
  };

  listener(): ChannelListener {
    return new ChannelListener(this.listen, {
      onNotify: () => void this.log.push("notified"),
      onGap: () => void this.log.push("gap"),
      heartbeatMs: 1_000,
      clock: this.clock,
    });
  }

  /** Moves the time, and lets what is due then happen. */
  async advance(durationMs: number): Promise<void> {
    for (let i = 0; i < 3; i++) await nextTurn();
    this.clock.advance(durationMs);
    for (let i = 0; i < 3; i++) await nextTurn();
  }
}

test("a listener says that it may have missed something when it begins, and tells what comes", async () => {
  const server = new Server();
  const listener = server.listener();
  await server.advance(0);
  server.sessions[0]?.onNotify();
  assert.deepEqual(server.log, ["gap", "notified"]);
  await listener.close();
  await listener.close();
  assert.deepEqual(server.log, ["gap", "notified", "closed"]);
  assert.equal(server.clock.pendingTimers, 0);
});

test("a session that breaks is replaced, with a gap", async () => {
  const server = new Server();
  const listener = server.listener();
  await server.advance(0);
  server.sessions[0]?.onBroken();
  await server.advance(200);
  assert.equal(server.sessions.length, 2);
  assert.deepEqual(server.log, ["gap", "closed", "gap"]);
  await listener.close();
});

test("a session that has become silent is found by its heartbeat, also if that is not answered", async () => {
  const checks = [
    () => Promise.reject(new Error("not listening")),
    () => new Promise<void>(() => {}),
  ];
  for (const check of checks) {
    const server = new Server();
    const listener = server.listener();
    await server.advance(999);
    server.check = check;
    assert.equal(server.sessions.length, 1);
    await server.advance(1);
    await server.advance(5_000);
    await server.advance(200);
    assert.equal(server.sessions.length, 2);
    assert.deepEqual(server.log, ["gap", "closed", "gap"]);
    await listener.close();
  }
});

test("a server that cannot be reached is tried again, after longer and longer pauses", async () => {
  const server = new Server();
  server.connect = () => Promise.reject(new Error("refused"));
  const listener = server.listener();
  for (let i = 0; i < 100; i++) await server.advance(1_000);
  const attempts = server.sessions.length;
  assert.ok(attempts > 3 && attempts < 40, `${attempts} attempts`);
  server.connect = () => Promise.resolve();
  await server.advance(30_000);
  assert.deepEqual(server.log, ["gap"]);
  await listener.close();
});

test("a listener closes at once while it connects, and closes what comes late", async () => {
  const server = new Server();
  let connected: () => void = () => {};
  server.connect = () => new Promise((resolve) => connected = resolve);
  const listener = server.listener();
  await server.advance(0);
  await listener.close();
  connected();
  await server.advance(0);
  assert.deepEqual(server.log, ["closed"]);
});

test("what a listener throws does not end the session", async () => {
  const server = new Server();
  const fail = (): never => {
    throw new Error("no");
  };
  const { clock } = server;
  const listener = new ChannelListener(server.listen, { onNotify: fail, onGap: fail, clock });
  await server.advance(0);
  server.sessions[0]?.onNotify();
  await server.advance(10_000);
  assert.equal(server.sessions.length, 1);
  await listener.close();
});

test("only plain names can be those of a channel", () => {
  assert.equal(checkChannel("exchange_outbox"), "exchange_outbox");
  for (const name of ["", "A", "a-b", 'a"b', "1a", "a".repeat(64), 7 as unknown as string]) {
    assert.throws(() => checkChannel(name), { code: "invalid_input", field: "channel" });
  }
});
