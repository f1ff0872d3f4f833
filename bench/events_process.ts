// One contender of the benchmark of events: `events_process.ts <name>`. It publishes and hears in one
// process of its own; see `cache_redis_process.ts` for why.
import assert from "node:assert/strict";
import { z } from "zod";
import { Buffer } from "node:buffer";
import process from "node:process";
import { createInterface } from "node:readline";
import { newId } from "../mod.ts";
import { RedisEventBus } from "../messaging/adapters/redis.ts";
import { connectRaw, REDIS_URL } from "./cache_fixture.ts";
import { type Plan, slot } from "./compare.ts";
import { say } from "./own_process.ts";

/** The raw client, with the payload as JSON. */
export const RAW = "redis, with JSON";

/** The library. */
export const OWN = "RedisEventBus";

const PAYLOAD = {
  type: "Created",
  submissionId: "0192f0c1-7b1e-7cc0-8f00-000000000001",
  benchmarkVersionId: "0192f0c1-7b1e-7cc0-8f00-000000000002",
  model: { provider: "provider-1", name: "m-123" },
  score: 91.25,
};
assert.equal(Buffer.byteLength(JSON.stringify(PAYLOAD)), 195);

/** A publisher, and a subscriber that calls `heard` for each event. */
interface Contender {
  publish(): Promise<unknown>;
  close(): Promise<unknown>;
}

type Open = (channel: string, heard: () => void) => Promise<Contender>;

const OPEN: Readonly<Record<string, Open>> = { [RAW]: openRaw, [OWN]: openOwn };

async function openRaw(channel: string, heard: () => void): Promise<Contender> {
  const [publisher, subscriber] = [await connectRaw(), await connectRaw()];
  await subscriber.subscribe(channel, (text) => {
    if (JSON.parse(text).score === PAYLOAD.score) heard();
  });
  return {
    publish: () => publisher.publish(channel, JSON.stringify(PAYLOAD)),
    close: () => Promise.all([publisher.close(), subscriber.close()]),
  };
}

async function openOwn(channel: string, heard: () => void): Promise<Contender> {
  const bus = await RedisEventBus.connect({ url: REDIS_URL });
  const schema = z.any();
  await bus.subscribe(channel, (message) => {
    if (message.deserialize(schema).score === PAYLOAD.score) heard();
  });
  return { publish: () => bus.publish(channel, PAYLOAD), close: () => bus.close() };
}

async function answer([name = ""]: readonly string[]): Promise<void> {
  const open = OPEN[name];
  if (!open) throw new Error(`No contender ${name}`);
  // One publisher's events on one channel come in order, so the first that waits is the one that came.
  const waiting: (() => void)[] = [];
  let first = 0;
  const contender = await open(`bench:${newId()}`, () => {
    waiting[first++]?.();
    if (first === waiting.length) waiting.length = first = 0;
  });
  const run = async (): Promise<void> => {
    const heard = new Promise<void>((resolve) => waiting.push(resolve));
    await contender.publish();
    await heard;
  };
  await run();
  say("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const plan: Plan = JSON.parse(line);
    say(await slot({ name, run }, plan));
  }
  await contender.close();
}

if (import.meta.main) await answer(process.argv.slice(2));
