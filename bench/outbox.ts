// A backlog of a million events drained into a Redis stream, how long an event takes from its commit to the publisher,
// and what writing it costs.
import process from "node:process";
import { createClient } from "@redis/client";
import {
  appendEvent,
  newId,
  type OutboxEvent,
  type OutboxPublisher,
  OutboxRelay,
  PostgresUserRepository,
  publishChange,
} from "../mod.ts";
import { RedisStreamBus } from "../messaging/adapters/redis_streams.ts";
import { REDIS_URL } from "./cache_fixture.ts";
import { compare, median } from "./compare.ts";
import { type Fixture, openFixture } from "./fixture.ts";
import { printGoals, printRows, slowerBy } from "./print.ts";

const BACKLOG = 1_000_000;
const AGGREGATES = 50_000;

/** As many calls at a time as a relay makes by default. */
const CONCURRENCY = 256;

const RAW_CALLS = 100_000;

const LATENCY_CALLS = 300;

/** All of the above. */
export async function benchOutbox(rounds: number): Promise<void> {
  await using fixture = await openFixture();
  await benchWriting(fixture, rounds);
  await benchLatency(fixture);
  await benchBacklog(fixture);
}

/** Something that keeps events in a Redis stream of bounded length. */
interface Stream extends AsyncDisposable {
  /** Adds an event. */
  readonly publish: OutboxPublisher;
  /** How many it has added. */
  readonly count: () => number;
}

/** The client that the library wraps. */
async function openRaw(): Promise<Stream> {
  const client = createClient({ url: REDIS_URL });
  client.on("error", () => {});
  await client.connect();
  const key = `bench:${newId()}`;
  const trim = { strategy: "MAXLEN", strategyModifier: "~", threshold: 10_000 } as const;
  let count = 0;
  return {
    publish: async ({ id, type, time, payload }) => {
      const event = { id, type, time, data: payload };
      await client.xAdd(key, "*", { event: JSON.stringify(event) }, { TRIM: trim });
      count++;
    },
    count: () => count,
    [Symbol.asyncDispose]: async () => {
      await client.del(key);
      await client.close();
    },
  };
}

/** The library, as `Infrastructure` runs it. */
async function openOwn(): Promise<Stream> {
  const namespace = `bench-${newId().slice(-12)}`;
  const bus = await RedisStreamBus.connect({ url: REDIS_URL, namespace });
  let count = 0;
  return {
    publish: async (event, { signal }) => {
      await publishChange(bus, event, { signal });
      count++;
    },
    count: () => count,
    [Symbol.asyncDispose]: async () => {
      await bus.close();
      const client = createClient({ url: REDIS_URL });
      await client.connect();
      await client.del(`${namespace}/stream/{events:submission}`);
      await client.close();
    },
  };
}

/** Events per second of the client alone, with events that are in memory already. */
async function rawRate({ publish }: Stream): Promise<number> {
  const { signal } = new AbortController();
  const event: OutboxEvent = {
    id: newId(),
    type: "Created",
    time: new Date(),
    aggregateType: "submission",
    aggregateId: newId(),
    payload: payloadOf(newId()),
    attempt: 1,
  };
  let left = RAW_CALLS;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await publish(event, { signal });
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return RAW_CALLS / (performance.now() - start) * 1_000;
}

function payloadOf(id: string): Record<string, unknown> {
  return {
    type: "Created",
    submissionId: id,
    benchmarkId: id,
    version: "1.0.0",
    model: { provider: "provider", name: "a-model", version: "2026-11-01" },
    submittedBy: id,
    aggregateScore: 87.125,
  };
}

async function benchBacklog({ pool }: Fixture): Promise<void> {
  await using raw = await openRaw();
  await using own = await openOwn();
  const fill = `insert into outbox_events (aggregate_type, aggregate_id, type, payload)
    select 'submission', n % $1, 'Created', $2::text::jsonb from generate_series(1, $3) n`;
  await pool.execute("truncate outbox_events");
  // In pieces, because a statement has a timeout on the server, too.
  for (let i = 0; i < 20; i++) {
    await pool.execute(fill, [AGGREGATES, JSON.stringify(payloadOf(newId())), BACKLOG / 20]);
  }
  await rawRate(raw);
  const before = await rawRate(raw);
  const drained = await drain(pool, own);
  const after = await rawRate(raw);
  const alone = (before + after) / 2;
  const perSecond = (rate: number): string => `${Math.round(rate)}/s`;
  const mib = drained.rss.map((bytes) => Math.round(bytes / 2 ** 20)).join(", ");
  process.stdout.write(
    `\nDrain ${BACKLOG} events of ${AGGREGATES} aggregates into a Redis stream: ` +
      `${perSecond(drained.rate)}; XADD alone ${perSecond(before)} before, ` +
      `${perSecond(after)} after\n  process at each tenth of the way: ${mib} MiB\n`,
  );
  const value = drained.rate / alone;
  printGoals([{ text: "rate of the relay >= 0.5 x XADD alone", value, met: value >= 0.5 }]);
}

/** Events per second of a relay, and the size of the process at each tenth of the backlog. */
async function drain(
  pool: Fixture["pool"],
  stream: Stream,
): Promise<{ rate: number; rss: number[] }> {
  const first = stream.count();
  const rss: number[] = [];
  await using relay = new OutboxRelay(pool, stream.publish);
  const start = performance.now();
  relay.start();
  for (let tenth = 0; tenth <= 10;) {
    if (stream.count() - first >= BACKLOG / 10 * tenth) {
      rss.push(process.memoryUsage.rss());
      tenth++;
    } else await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { rate: BACKLOG / (performance.now() - start) * 1_000, rss };
}

/** From the moment at which a writer has its commit to that at which the publisher is called; also below zero. */
async function benchLatency({ pool }: Fixture): Promise<void> {
  await pool.execute("truncate outbox_events");
  let called: (atMs: number) => void = () => {};
  await using relay = new OutboxRelay(pool, () => Promise.resolve(called(performance.now())));
  relay.start();
  const latencies: number[] = [];
  const trips: number[] = [];
  for (let i = 0; i < LATENCY_CALLS; i++) {
    const handled = new Promise<number>((resolve) => called = resolve);
    const event = { type: "T", aggregateType: "t", aggregateId: newId(), payload: {} };
    await appendEvent(pool, event);
    const committed = performance.now();
    latencies.push(await handled - committed);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const start = performance.now();
    await pool.execute("select 1");
    trips.push(performance.now() - start);
  }
  const [latency, trip] = [median(latencies), median(trips)];
  process.stdout.write(
    `\nFrom commit to publisher, ${LATENCY_CALLS} events one at a time: median ` +
      `${latency.toFixed(2)} ms; select 1 takes ${trip.toFixed(2)} ms\n`,
  );
  const value = latency / trip;
  printGoals([{ text: "median <= 3 round trips", value, met: value <= 3 }]);
}

async function benchWriting({ pool }: Fixture, rounds: number): Promise<void> {
  const user = () => {
    const username = newId().slice(-20);
    return { username, email: `${username}@example.org` };
  };
  const silent = new PostgresUserRepository(pool, { events: false });
  const telling = new PostgresUserRepository(pool);
  for (const concurrency of [1, 8]) {
    const rows = await compare([
      { name: "create a user without event", run: () => silent.create(user()) },
      { name: "create a user with its event", run: () => telling.create(user()) },
    ], { rounds, slotMs: 150, concurrency });
    printRows(`Write an event with its change, ${concurrency} at a time`, rows);
    const [name, other] = ["create a user with its event", "create a user without event"];
    printGoals([slowerBy(rows, name, other, 1.3)]);
  }
}
