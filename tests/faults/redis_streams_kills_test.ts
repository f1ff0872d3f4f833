import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "../../database/create_pool.ts";
import { migrate } from "../../database/migrator.ts";
import { RedisStreamBus } from "../../messaging/adapters/redis_streams.ts";
import { note } from "../support/note.ts";
import { test as permittedTest } from "../support/permitted.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { testNamespace } from "../support/redis.ts";
import { findService, serviceTest } from "../support/services.ts";
import { Script } from "../support/spawn_script.ts";
import { until } from "../support/until.ts";

const redis = await findService("redis");
const redisUrl = "url" in redis ? redis.url : "";
const test = serviceTest("url" in redis ? await findService("postgres") : redis, permittedTest);

/** In each, a process is killed that consumes. */
const ROUNDS = 200;

/** A machine that is busy with other things gets fewer rounds, in milliseconds. */
const LIMIT_MS = 200_000;

/** How many rounds go on at the same time. */
const LANES = 4;

/** How many events are published for each round. */
const EVENTS = 15;

/** After how many lines that it prints a consumer is killed at most; it prints two for each message. */
const MAX_LINES = 20;

interface Rounds {
  readonly kills: number;
  /** The ids of the events that the bus has accepted. */
  readonly accepted: readonly string[];
}

async function killInRounds(bus: RedisStreamBus, args: readonly string[]): Promise<Rounds> {
  const endMs = performance.now() + LIMIT_MS;
  const accepted: string[] = [];
  let kills = 0;
  const lane = async (): Promise<void> => {
    while (kills < ROUNDS && performance.now() < endMs) {
      kills++;
      for (let i = 0; i < EVENTS; i++) accepted.push(await bus.publish("work", { number: i }));
      const script = new Script("stream_worker.ts", args);
      for (let lines = Math.random() * MAX_LINES; lines > 0; lines--) await script.line();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      await script.kill();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { kills, accepted };
}

/** The last consumer is left in peace. */
async function drain(bus: RedisStreamBus, args: readonly string[]): Promise<void> {
  const script = new Script("stream_worker.ts", args);
  await until("everything is handled", async () => {
    const { pending, lag } = await bus.pending("work", "workers");
    return pending === 0 && lag === 0;
  }, 60_000);
  await script.finish();
}

test("consumers can be killed at any moment: nothing is lost, effects happen once", async (url) => {
  const database = await createTestDatabase(url);
  const folder = await mkdtemp(join(tmpdir(), "exchange-streams-"));
  const pool = await createPool({ url: database.url });
  const namespace = testNamespace();
  const bus = await RedisStreamBus.connect({ url: redisUrl, namespace });
  const deliveries = join(folder, "deliveries");
  const args = [redisUrl, namespace, database.url, deliveries];
  try {
    await migrate(pool);
    // Without a key, an effect that happens twice is there twice.
    await pool.execute("create table effects (event_id text not null)");
    const { kills, accepted } = await killInRounds(bus, args);
    await drain(bus, args);
    const { rows } = await pool.execute("select event_id from effects");
    const effects = rows.map((row) => String(row["event_id"]));
    assert.deepEqual([...effects].sort(), [...accepted].sort());
    assert.deepEqual(await bus.deadLetters("work", "workers"), []);
    const delivered = (await readFile(deliveries, "utf8")).trim().split("\n").length;
    note(
      `${kills} kills: ${accepted.length} events accepted, ${delivered} deliveries, ` +
        `${effects.length} effects`,
    );
    assert.ok(delivered > accepted.length, "no consumer was killed with a message in its hands");
  } finally {
    await bus.close();
    await pool.close();
    await database.drop();
    await rm(folder, { recursive: true });
  }
});
