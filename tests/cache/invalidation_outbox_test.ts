import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidationOutbox } from "../../cache/invalidation_outbox.ts";
import type { Invalidation, InvalidationChannel } from "../../cache/invalidations.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { until } from "../support/until.ts";

/** A channel that the test plays, and an outbox for it. */
class Post {
  readonly clock = new ManualClock();
  readonly sent: Invalidation[] = [];
  readonly counts: string[] = [];
  isDown = false;
  /** What each message waits for. */
  held: Promise<void> = Promise.resolve();
  readonly outbox: InvalidationOutbox;

  constructor() {
    const channel: InvalidationChannel = {
      publish: async (invalidation) => {
        await this.held;
        if (this.isDown) throw new Error("down");
        this.sent.push(invalidation);
      },
      subscribe: () => assert.fail("nobody subscribes"),
    };
    this.outbox = new InvalidationOutbox({
      channel,
      clock: this.clock,
      observer: { log: () => {}, count: (name) => this.counts.push(name), duration: () => {} },
    });
  }

  key(...keys: string[]): void {
    this.outbox.add({ kind: "key", keys });
  }

  /** Holds messages back; returns what lets them go. */
  hold(): () => void {
    let go = (): void => {};
    this.held = new Promise((resolve) => go = resolve);
    return () => {
      this.held = Promise.resolve();
      go();
    };
  }

  idle(): Promise<void> {
    return until("nothing waits", () => this.outbox.size === 0);
  }
}

const key = (...keys: string[]): Invalidation => ({ kind: "key", keys });

test("what is added is published at once", async () => {
  const post = new Post();
  post.key("a");
  await post.idle();
  post.outbox.add({ kind: "tag", tag: "t" });
  await post.idle();
  post.outbox.add({ kind: "pattern", pattern: "p:*" });
  await post.outbox.close();
  assert.deepEqual(post.sent, [
    key("a"),
    { kind: "tag", tag: "t" },
    { kind: "pattern", pattern: "p:*" },
  ]);
  assert.equal(post.clock.pendingTimers, 0);
});

test("keys that come while a message is under way go together, each once", async () => {
  const post = new Post();
  const release = post.hold();
  post.key("a");
  for (const name of ["b", "c", "b", "a"]) post.key(name);
  release();
  await post.outbox.close();
  assert.deepEqual(post.sent, [key("a"), key("b", "c", "a")]);
});

test("a message has at most 500 keys", async () => {
  const post = new Post();
  post.key(...Array.from({ length: 1_200 }, (_, i) => `k:${i}`));
  await post.outbox.close();
  const sizes = post.sent.map((one) => one.kind === "key" ? one.keys.length : 0);
  assert.deepEqual(sizes, [500, 500, 200]);
});

test("what is added when the last message has just arrived is published, too", async () => {
  const post = new Post();
  for (let i = 0; i < 20; i++) {
    const before = post.sent.length;
    post.key(`first:${i}`);
    for (let turn = 0; turn < i; turn++) await Promise.resolve();
    post.key(`second:${i}`);
    await until("both are published", () => post.sent.length === before + 2);
  }
});

test("what could not be published waits, is counted, and is tried again within a second", async () => {
  const post = new Post();
  post.isDown = true;
  post.key("a");
  post.outbox.add({ kind: "tag", tag: "t" });
  post.outbox.add({ kind: "pattern", pattern: "p:*" });
  await until("the first attempt has failed", () => post.counts.length === 1);
  for (let failures = 2; failures < 12; failures++) {
    post.clock.advance(1_000);
    await until("it was tried again", () => post.counts.length === failures);
  }
  assert.equal(post.outbox.size, 3);
  assert.deepEqual(new Set(post.counts), new Set(["cache.invalidation_delayed"]));
  post.isDown = false;
  post.clock.advance(1_000);
  await post.idle();
  await post.outbox.close();
  assert.deepEqual(post.sent, [
    { kind: "pattern", pattern: "p:*" },
    { kind: "tag", tag: "t" },
    key("a"),
  ]);
  assert.equal(post.clock.pendingTimers, 0);
});

test("close tries at once what waits", async () => {
  const post = new Post();
  post.isDown = true;
  post.key("a");
  await until("the first attempt has failed", () => post.counts.length === 1);
  post.isDown = false;
  await post.outbox.close();
  assert.deepEqual(post.sent, [key("a")]);
  assert.equal(post.clock.pendingTimers, 0);
});

test("a new change tries at once what waits", async () => {
  const post = new Post();
  post.isDown = true;
  post.key("a");
  await until("the first attempt has failed", () => post.counts.length === 1);
  post.isDown = false;
  post.key("b");
  await post.idle();
  await post.outbox.close();
  assert.deepEqual(post.sent, [key("a", "b")]);
  assert.equal(post.clock.pendingTimers, 0);
});

test("10,000 wait; with one more, everything becomes invalid instead", async () => {
  const post = new Post();
  post.isDown = true;
  post.key(...Array.from({ length: 9_998 }, (_, i) => `k:${i}`));
  post.outbox.add({ kind: "tag", tag: "t" });
  post.outbox.add({ kind: "pattern", pattern: "p:*" });
  await until("the first attempt has failed", () => post.counts.length === 1);
  assert.equal(post.outbox.size, 10_000);
  post.key("k:0");
  await until("the second attempt has failed", () => post.counts.length === 2);
  assert.equal(post.outbox.size, 10_000);
  post.key("one more");
  await until("the third attempt has failed", () => post.counts.length === 3);
  assert.equal(post.outbox.size, 1);
  for (let i = 0; i < 20_000; i++) post.key(`later:${i}`);
  await until("the fourth attempt has failed", () => post.counts.length === 4);
  assert.equal(post.outbox.size, 1);
  post.isDown = false;
  await until("it is published", () => {
    post.clock.advance(1_000);
    return post.outbox.size === 0;
  });
  await post.outbox.close();
  assert.deepEqual(post.sent, [{ kind: "pattern", pattern: "*" }]);
});

test("what is added while everything is under way is published after it", async () => {
  const post = new Post();
  const release = post.hold();
  post.outbox.add({ kind: "pattern", pattern: "*" });
  post.key("a");
  release();
  await post.outbox.close();
  assert.deepEqual(post.sent, [{ kind: "pattern", pattern: "*" }, key("a")]);
});

test("close publishes what waits, tries once, and takes nothing more", async () => {
  const post = new Post();
  const release = post.hold();
  post.key("a");
  post.key("b");
  const closing = post.outbox.close();
  post.key("late");
  release();
  await closing;
  assert.deepEqual(post.sent, [key("a"), key("b")]);

  const down = new Post();
  down.isDown = true;
  down.key("a");
  await until("the first attempt has failed", () => down.counts.length === 1);
  await down.outbox.close();
  await down.outbox.close();
  assert.equal(down.sent.length, 0);
  assert.equal(down.clock.pendingTimers, 0);
});
