import assert from "node:assert/strict";
import { test } from "node:test";
import type { RedisChannel, RedisCommand } from "../../../core/redis/channel.ts";
import { CACHE_AREA } from "../../../cache/adapters/redis/cache_area.ts";
import { RedisConnection } from "../../../core/redis/connection.ts";
import { silentObserver } from "../../../core/observer.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";

// Against real servers it is tested by the conformance suite and the tests of faults; this is what takes long there.

/** A server that the test plays. */
class Server {
  readonly clock = new ManualClock();
  /** When it was tried to connect. */
  readonly attemptsMs: number[] = [];
  /** How attempts to connect end. */
  accept: () => Promise<void> = () => Promise.resolve();
  /** What was sent. */
  readonly sent: RedisCommand[] = [];
  /** Ends the newest connection. */
  break: () => void = () => {};

  connect(): Promise<RedisConnection> {
    return RedisConnection.open({
      area: CACHE_AREA,
      target: {
        name: "server",
        sharded: false,
        open: async (_signal, onBroken) => {
          this.attemptsMs.push(this.clock.monotonic());
          this.break = () => onBroken(new Error("reset"));
          await this.accept();
          return this.#channel();
        },
        subscribe: () => Promise.reject(new Error("nobody subscribes")),
      },
      connectTimeoutMs: 2_000,
      clock: this.clock,
      observer: silentObserver,
      prepare: () => Promise.resolve(),
    });
  }

  #channel(): RedisChannel {
    return {
      send: (command) => {
        this.sent.push(command);
        return new Promise(() => {});
      },
      masters: () => Promise.reject(new Error("nobody asks for masters")),
      destroy: () => {},
    };
  }
}

const GET = { args: ["GET", "k"], readOnly: true, repeatable: true };

/** Sees that a call ends after so many milliseconds, and not before. */
async function endsAfter(clock: ManualClock, ms: number, call: Promise<unknown>): Promise<void> {
  let ended = false;
  call.catch(() => ended = true);
  clock.advance(ms - 1);
  await settle();
  assert.equal(ended, false);
  clock.advance(1);
  await settle();
  assert.equal(ended, true);
}

/** Lets what is settled have its effects. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test("a server that was away for long is found again within a few seconds of its return", async () => {
  const server = new Server();
  const connection = await server.connect();
  server.accept = () => Promise.reject(new Error("refused"));
  server.break();
  for (let step = 0; step < 3_000; step++) {
    server.clock.advance(100);
    await settle();
  }
  const outage = server.attemptsMs.slice(1);
  const pauses = outage.slice(1).map((atMs, i) => atMs - outage[i]!);
  assert.ok(pauses.length > 100 && Math.max(...pauses) < 2_300, `${Math.max(...pauses)} ms`);
  connection.close();
});

test("a call that waits for a new connection ends when it would have ended without", async () => {
  const server = new Server();
  const connection = await server.connect();
  server.accept = () => new Promise(() => {});
  server.break();
  const call = connection.send(GET, { operation: "get", timeoutMs: 500, endMs: 120 });
  await endsAfter(server.clock, 120, call);
  await assert.rejects(call, { code: "timeout", message: /within 500 ms/ });
  connection.close();
});

test("a command that is sent again has only the time that is left", async () => {
  const server = new Server();
  const connection = await server.connect();
  const call = connection.send(GET, { operation: "get", timeoutMs: 500 });
  server.clock.advance(100);
  server.accept = () => new Promise(() => {});
  server.break();
  await settle();
  await endsAfter(server.clock, 400, call);
  await assert.rejects(call, { code: "timeout", message: /within 500 ms/ });
  connection.close();
});

test("a command is sent again once, and not over and over", async () => {
  const server = new Server();
  const connection = await server.connect();
  const call = connection.send(GET, { operation: "get", timeoutMs: 500 });
  server.break();
  await settle();
  assert.equal(server.sent.length, 2);
  server.break();
  await settle();
  await assert.rejects(call, { code: "unavailable" });
  assert.equal(server.sent.length, 2);
  connection.close();
});
