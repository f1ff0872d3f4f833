import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { migrate } from "../../database/migrator.ts";
import { appendEvent } from "../../database/outbox/append_event.ts";
import { OutboxRelay } from "../../database/outbox/relay.ts";
import { lazily } from "../support/lazily.ts";
import { addToOutbox, Broker, fillOutbox, gate, readOutbox } from "../support/outbox.ts";
import {
  checkDelivered,
  type Delivered,
  keepLedger,
  readLines,
} from "../support/outbox_history.ts";
import { after, describe } from "../support/permitted.ts";
import { startPostgres } from "../support/private_postgres.ts";
import { FAST } from "../support/relay_tests.ts";
import { privateServerTest } from "../support/services.ts";
import { Script } from "../support/spawn_script.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("postgres");

const opened = lazily(async () => {
  // One test has it crash: what it has acknowledged is to be there then.
  const server = await startPostgres({ settings: { synchronous_commit: true } });
  const pool = await createPool({ url: server.url });
  await migrate(pool);
  await keepLedger(pool);
  return { server, pool };
});

async function withRelay(
  events: readonly string[],
  fn: (parts: { pool: DatabasePool; broker: Broker; relay: OutboxRelay }) => Promise<void>,
): Promise<void> {
  const { pool } = await opened();
  await pool.execute("truncate ledger");
  await fillOutbox(pool, events);
  const broker = new Broker();
  await using relay = new OutboxRelay(pool, broker.publish, FAST);
  await fn({ pool, broker, relay });
}

describe("relays of an outbox", () => {
  after(async () => {
    const { server, pool } = await opened();
    await pool.close(100);
    await server[Symbol.asyncDispose]();
  });

  test("publish what commits after later events, whose positions are greater", () =>
    withRelay([], async ({ pool, broker, relay }) => {
      const thing = { type: "Changed", aggregateType: "thing" };
      const [appended, commit] = [gate(), gate()];
      relay.start();
      const late = pool.transaction(async (transaction) => {
        await appendEvent(transaction, { ...thing, aggregateId: "late", payload: 0 });
        appended.open();
        await commit.opened;
      });
      await appended.opened;
      for (let i = 1; i <= 3; i++) {
        await appendEvent(pool, { ...thing, aggregateId: "early", payload: i });
        await until("it is published", () => broker.received.length === i);
      }
      commit.open();
      await late;
      await until("the late one, too", () => broker.received.length === 4);
      assert.deepEqual(broker.received, ["early 1", "early 2", "early 3", "late 0"]);
    }));

  test("leave alone what follows an event that somebody else has locked", () =>
    withRelay(["a", "b", "a"], async ({ pool, broker, relay }) => {
      const [locked, unlock] = [gate(), gate()];
      const other = pool.transaction(async (transaction) => {
        await transaction.execute(
          "select from outbox_events where aggregate_id = 'a' order by position limit 1 for update",
        );
        locked.open();
        await unlock.opened;
      });
      await locked.opened;
      assert.equal((await relay.runOnce()).published, 1);
      assert.deepEqual(broker.received, ["b 0"]);
      unlock.open();
      await other;
      assert.equal((await relay.runOnce()).published, 2);
    }));

  test("in four processes publish everything once and in order", () =>
    withRelay([], async ({ pool }) => {
      const folder = await mkdtemp(join(tmpdir(), "exchange-outbox-"));
      const { url } = (await opened()).server;
      const relays = Array.from(
        { length: 4 },
        () => new Script("outbox_worker.ts", [url, folder, "relay", "calm"]),
      );
      try {
        await Promise.all(relays.map((relay) => relay.line()));
        for (let i = 0; i < 5; i++) {
          await addToOutbox(pool, Array.from({ length: 400 }, (_, n) => `a${n * 7 % (i + 20)}`));
        }
        await until("all", async () => (await readOutbox(pool)).length === 0, 30_000);
        const delivered = await readLines<Delivered>(join(folder, "broker"));
        assert.equal(await checkDelivered(pool, delivered), 2_000);
        assert.equal(delivered.length, 2_000);
        await Promise.all(relays.map((relay) => relay.finish()));
      } finally {
        await Promise.all(relays.map((relay) => relay.kill()));
        await rm(folder, { recursive: true });
      }
    }));

  test("never have one event twice at a time, however they are interleaved", () =>
    withRelay([], async ({ pool }) => {
      const running = new Set<string>();
      const received: string[] = [];
      const publish = async (
        { aggregateId, payload }: { aggregateId: string; payload: unknown },
      ) => {
        assert.ok(!running.has(aggregateId), "two at a time of one aggregate");
        running.add(aggregateId);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
        running.delete(aggregateId);
        if (Math.random() < 0.05) throw new Error("refused");
        received.push(`${aggregateId} ${payload}`);
      };
      const terms = { ...FAST, batchSize: 10, maxAttempts: 100 };
      const relays = Array.from({ length: 6 }, () => new OutboxRelay(pool, publish, terms));
      for (const relay of relays) relay.start();
      await addToOutbox(pool, Array.from({ length: 600 }, (_, n) => `a${n % 17}`));
      await until("all", () => received.length === 600, 30_000);
      for (let i = 0; i < 17; i++) {
        const ours = received.filter((one) => one.startsWith(`a${i} `));
        assert.deepEqual(ours, ours.map((_, n) => `a${i} ${n}`));
      }
      await Promise.all(relays.map((relay) => relay.close()));
    }));

  test("go on when the server is back from a crash", () =>
    withRelay([], async ({ pool, broker, relay }) => {
      const { server } = await opened();
      relay.start();
      await addToOutbox(pool, ["a", "b", "a"]);
      await until("all", () => broker.received.length === 3);
      await until("they are deleted", async () => (await readOutbox(pool)).length === 0);
      const [begun, finish] = [gate(), gate()];
      broker.before = () => (begun.open(), finish.opened);
      await addToOutbox(pool, ["c"]);
      await begun.opened;
      await server.stop("immediate");
      finish.open();
      await server.start();
      await addToOutbox(pool, ["d"]).catch(() => addToOutbox(pool, ["d"]));
      await until("the new one", () => broker.received.includes("d 0"), 20_000);
      await until("nothing is left", async () => (await readOutbox(pool)).length === 0, 20_000);
      assert.deepEqual([...new Set(broker.received)].slice(3).toSorted(), ["c 0", "d 0"]);
    }));

  test("go on when the server answers again after it was silent", () =>
    withRelay([], async ({ pool, broker, relay }) => {
      const { server } = await opened();
      const [begun, finish] = [gate(), gate()];
      broker.before = () => (begun.open(), finish.opened);
      relay.start();
      await addToOutbox(pool, ["a"]);
      await begun.opened;
      await server.pause();
      try {
        finish.open();
        const silent = pool.execute("select 1", [], { timeoutMs: 300 });
        await assert.rejects(silent, { code: "timeout" });
      } finally {
        server.resume();
      }
      const add = (): Promise<boolean> => addToOutbox(pool, ["b"]).then(() => true, () => false);
      await until("one can be added", add, 20_000);
      await until("the new one", () => broker.received.includes("b 0"), 20_000);
      await until("nothing is left", async () => (await readOutbox(pool)).length === 0, 20_000);
      assert.deepEqual([...new Set(broker.received)].toSorted(), ["a 0", "b 0"]);
    }));

  test("drain 100,000 events in batches, in order, and hold no more than two of them", () =>
    withRelay([], async ({ pool, broker }) => {
      await pool.execute("alter table outbox_events disable trigger keep_event");
      await pool.execute(`insert into outbox_events (aggregate_type, aggregate_id, type, payload)
        select 'thing', n % 997, 'Changed', to_jsonb(n / 997) from generate_series(0, 99999) n`);
      await pool.execute("alter table outbox_events enable trigger keep_event");
      const last = new Map<string, number>();
      let count = 0;
      let mostClaimed = 0;
      await using relay = new OutboxRelay(pool, ({ aggregateId, payload }) => {
        assert.equal(payload, (last.get(aggregateId) ?? -1) + 1);
        last.set(aggregateId, Number(payload));
        return Promise.resolve(count++);
      });
      relay.start();
      await until("all", async () => {
        const { rows: [row] } = await pool.execute(
          "select count(*)::int4 as claimed from outbox_events where claimed_by is not null",
        );
        mostClaimed = Math.max(mostClaimed, Number(row?.["claimed"]));
        return count === 100_000;
      }, 120_000);
      await until("nothing is left", async () => (await relay.stats()).pending === 0);
      assert.equal(count, 100_000);
      assert.ok(mostClaimed > 0 && mostClaimed <= 2_000, `${mostClaimed} at a time`);
      assert.equal(broker.events.length, 0);
    }));
});
