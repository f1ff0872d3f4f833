import assert from "node:assert/strict";
import type { ChannelListener } from "../../../database/channel_listener.ts";
import type { DatabasePool } from "../../../database/database_pool.ts";
import { type DatabaseTest, gate, type PoolHarness } from "./harness.ts";

/** Counts what a listener hears; `until` resolves when there is as much as it is told. */
class Counter {
  readonly listener: ChannelListener | undefined;
  notified = 0;
  #listening = gate();
  #wanted = { count: 0, ...gate() };

  constructor(pool: DatabasePool, channel: string) {
    this.listener = pool.listen(channel, {
      onGap: () => this.#listening.open(),
      onNotify: () => {
        if (++this.notified >= this.#wanted.count) this.#wanted.open();
      },
    });
  }

  /** Resolves when the server has it on its list. */
  get listening(): Promise<void> {
    return this.#listening.opened;
  }

  until(count: number): Promise<void> {
    this.#wanted = { count, ...gate() };
    if (this.notified >= count) this.#wanted.open();
    return this.#wanted.opened;
  }
}

/** Notifications. */
export function testListening(test: DatabaseTest, harness: PoolHarness): void {
  if (!harness.capabilities.listens) {
    test("a pool whose client cannot listen says so", async ({ pool }) => {
      const options = { onNotify: () => {}, onGap: () => {} };
      assert.equal(await Promise.resolve(pool.listen("a_channel", options)), undefined);
    });
    return;
  }

  test("a listener hears what is committed on its channel, and nothing else", async ({ pool, table }) => {
    const counter = new Counter(pool, table);
    await counter.listening;
    await pool.execute("select pg_notify('another', '')");
    const failure = new Error("rolled back");
    const undone = pool.transaction(async (transaction) => {
      await transaction.execute("select pg_notify($1, '')", [table]);
      throw failure;
    });
    await assert.rejects(undone, failure);
    await pool.transaction(async (transaction) => {
      // Equal ones of one transaction are one.
      for (let i = 0; i < 3; i++) {
        await transaction.execute("select pg_notify($1, '')", [table]);
      }
    });
    await counter.until(1);
    await pool.execute("select pg_notify($1, '')", [table]);
    await counter.until(2);
    assert.equal(counter.notified, 2);
    await counter.listener?.close();
  });

  test("a listener that is closed hears nothing more", async ({ pool, table }) => {
    const [closed, open] = [new Counter(pool, table), new Counter(pool, table)];
    await Promise.all([closed.listening, open.listening]);
    await closed.listener?.close();
    await pool.execute("select pg_notify($1, '')", [table]);
    await open.until(1);
    assert.equal(closed.notified, 0);
    await open.listener?.close();
  });

  test("a listener goes with its pool, and does not keep it from closing", async () => {
    const pool = await harness.open();
    const counter = new Counter(pool, "a_channel");
    await counter.listening;
    await pool.close();
    await counter.listener?.close();
  });

  test("a channel that cannot be one is refused", async ({ pool }) => {
    const options = { onNotify: () => {}, onGap: () => {} };
    const call = () => Promise.resolve().then(() => pool.listen('a"b', options));
    await assert.rejects(call, { code: "invalid_input", field: "channel" });
  });
}
