import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Owed,
  OwedInvalidations,
  unlinkOwed,
} from "../../../cache/adapters/redis/owed_invalidations.ts";
import type { RedisChannel, RedisCommand } from "../../../core/redis/channel.ts";
import { keysOf } from "../../../cache/adapters/redis/keys.ts";
import { silentObserver } from "../../../core/observer.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";

const key = (name: string): Owed => ({ kind: "key", name });
const pattern = (name: string): Owed => ({ kind: "pattern", name });

function create(): { clock: ManualClock; owed: OwedInvalidations } {
  const clock = new ManualClock();
  return { clock, owed: new OwedInvalidations({ clock, observer: silentObserver }) };
}

/** Lets promises that are settled run their continuations. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

test("a key is covered by its name or by a pattern until it is carried out", async () => {
  const { owed } = create();
  assert.equal(owed.covers("a"), false);
  owed.add(key("a"));
  owed.add(pattern("b:*"));
  owed.add({ kind: "tag", name: "c" });
  assert.deepEqual(["a", "b:1", "b", "c"].map((name) => owed.covers(name)), [
    true,
    true,
    false,
    false,
  ]);
  const done: Owed[] = [];
  await owed.carryOut((one) => Promise.resolve(void done.push(one)));
  assert.equal(done.length, 3);
  assert.equal(owed.size, 0);
  assert.equal(owed.covers("a"), false);
});

test("what fails stays, and is tried again until it works", async () => {
  const { clock, owed } = create();
  let down = true;
  const done: string[] = [];
  owed.retryWith((one) =>
    down ? Promise.reject(new Error("down")) : Promise.resolve(void done.push(one.name))
  );
  owed.add(key("a"));
  clock.advance(600);
  await turn();
  assert.equal(owed.size, 1);
  down = false;
  clock.advance(600);
  await turn();
  assert.deepEqual(done, ["a"]);
  assert.equal(owed.size, 0);
  assert.equal(clock.pendingTimers, 0);
});

test("what is carried out is told, and what fails is not", async () => {
  const { owed } = create();
  const told: Owed[] = [];
  owed.tellWith((one) => told.push(one));
  owed.add(key("a"));
  owed.add(pattern("b:*"));
  await owed.carryOut(({ kind }) => kind === "key" ? Promise.resolve() : Promise.reject());
  await owed.carryOutFor("b:1", () => Promise.resolve());
  assert.deepEqual(told, [key("a"), key("b:1")]);
});

test("what is owed again while it is carried out stays owed", async () => {
  const { owed } = create();
  owed.add(key("a"));
  await owed.carryOut(() => Promise.resolve(owed.add(key("a"))));
  assert.equal(owed.size, 1);
});

test("above 10,000 everything is owed instead", () => {
  const { owed } = create();
  for (let i = 0; i < 10_001; i++) owed.add(key(`k${i}`));
  assert.equal(owed.size, 1);
  assert.equal(owed.covers("any:thing"), true);
});

test("after close nothing is owed any more", () => {
  const { clock, owed } = create();
  owed.retryWith(() => Promise.resolve());
  owed.add(key("a"));
  owed.close();
  owed.add(key("b"));
  assert.equal(owed.size, 0);
  assert.equal(clock.pendingTimers, 0);
});

test("on a new connection keys and tags are unlinked, a pattern waits", async () => {
  const sent: RedisCommand[] = [];
  const channel: RedisChannel = {
    send: (command) => Promise.resolve(sent.push(command)),
    masters: () => Promise.resolve([]),
    destroy: () => {},
  };
  const keyOf = keysOf("n");
  await unlinkOwed(channel, key("a"), keyOf);
  await unlinkOwed(channel, { kind: "tag", name: "t" }, keyOf);
  await assert.rejects(unlinkOwed(channel, pattern("*"), keyOf));
  assert.deepEqual(sent.map(({ args }) => args.join(" ")), ["UNLINK n:a", "UNLINK n/tag:t"]);
});
