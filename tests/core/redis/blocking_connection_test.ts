import assert from "node:assert/strict";
import { CACHE_AREA } from "../../../cache/adapters/redis/cache_area.ts";
import { systemClock } from "../../../core/clock.ts";
import { RedisConnection } from "../../../core/redis/connection.ts";
import { redisTargetOf } from "../../../core/redis/redis_source.ts";
import { Reports, withServer } from "../../support/faulty_redis.ts";
import type { PrivateRedis } from "../../support/private_redis.ts";
import { privateServerTest } from "../../support/services.ts";
import { until } from "../../support/until.ts";

const test = privateServerTest("redis");

/** Longer than the heartbeat and the time for its answer, and than a reply may be stuck. */
const BLOCK_MS = 5_500;

test("a command that blocks for seconds ends by itself, and the connection is kept", () =>
  withBlocking(async ({ connection, reports }) => {
    const read = { args: ["BLPOP", "nothing", String(BLOCK_MS / 1_000)] };
    const call = { operation: "read", timeoutMs: BLOCK_MS + 3_000 };
    const reading = connection.send(read, call);
    let wasUsable = true;
    reading.finally(() => wasUsable &&= connection.isReady).catch(() => {});
    assert.equal(await reading, null);
    assert.deepEqual([wasUsable, reports.of("cache.connection_lost")], [true, []]);
    assert.equal(String(await connection.send({ args: ["PING"] }, call)), "PONG");
  }));

test("a server that dies during such a command, or does not answer after its end, is given up", () =>
  withBlocking(async ({ connection, reports, server }) => {
    const read = { args: ["BLPOP", "nothing", "0.1"] };
    server.pause();
    const reading = connection.send(read, { operation: "read", timeoutMs: 1_200 });
    await assert.rejects(reading, { code: "timeout" });
    await until("it is given up", () => reports.of("cache.connection_lost").length > 0);
    server.resume();
    await until("it works again", () => connection.isReady);
  }));

test("bytes that are no text go to the server and come back as they are", () =>
  withBlocking(async ({ connection }) => {
    const call = { operation: "read", timeoutMs: 3_000 };
    const bytes = Uint8Array.of(0, 255, 254, 13, 10);
    const args = ["XADD", "stream", "*", "d", bytes];
    const id = String(await connection.send({ args }, call));
    const found = await connection.send({ args: ["XRANGE", "stream", "-", "+"] }, call);
    const [[foundId, [, value]]] = found as [[Uint8Array, [Uint8Array, Uint8Array]]];
    assert.equal(String(foundId), id);
    assert.deepEqual(Uint8Array.from(value), bytes);
  }));

interface OpenConnection {
  readonly connection: RedisConnection;
  readonly reports: Reports;
  readonly server: PrivateRedis;
}

function withBlocking(use: (open: OpenConnection) => Promise<void>): Promise<void> {
  return withServer({}, async (server) => {
    const reports = new Reports();
    const connection = await RedisConnection.open({
      area: CACHE_AREA,
      target: redisTargetOf({ url: server.url }, 2_000),
      connectTimeoutMs: 2_000,
      clock: systemClock,
      observer: reports,
      prepare: () => Promise.resolve(),
      blocking: true,
    });
    try {
      await use({ connection, reports, server });
    } finally {
      connection.close();
    }
  });
}
