// Streams on Redis: messages appended, handled and acknowledged, against the client that the library wraps.
import { z } from "zod";
import { createClient, RESP_TYPES } from "@redis/client";
import { Buffer } from "node:buffer";
import process from "node:process";
import { RedisStreamBus } from "../messaging/adapters/redis_streams.ts";
import { compare, type Contender } from "./compare.ts";
import { Countdown, PAYLOAD, PAYLOAD_BYTES, sendAll } from "./event_fixture.ts";
import { fasterBy, printGoals, printRows } from "./print.ts";
import { bullmq, pgBoss } from "./stream_peers.ts";

const URL = process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379";

/** How many messages one call of a contender takes. */
const MESSAGES = 10_000;

const BATCH = 100;

const PLAN = { slotMs: 1, concurrency: 1 };

/** Streams: append `MESSAGES`, read them by the hundred, handle and acknowledge them. */
export async function benchStreams(rounds: number): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const contenders = [
    await rawStream(resources),
    await ownStream(resources),
    await bullmq(resources, URL, MESSAGES),
    await pgBoss(resources, MESSAGES),
  ];
  const rows = await compare(contenders, { ...PLAN, rounds });
  printRows(
    `${MESSAGES} events of ${PAYLOAD_BYTES} bytes, appended, handled and acknowledged`,
    rows,
  );
  const own = "RedisStreamBus";
  printGoals([
    fasterBy(rows, own, "raw client", 0.9),
    ...["BullMQ", "pg-boss"].map((peer) => fasterBy(rows, own, peer, 3)),
  ]);
}

async function connect(resources: AsyncDisposableStack) {
  const client = createClient({
    url: URL,
    RESP: 3,
    maintNotifications: "disabled",
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  });
  await client.connect();
  resources.defer(() => client.destroy());
  return client;
}

async function rawStream(resources: AsyncDisposableStack): Promise<Contender> {
  const [writer, reader] = [await connect(resources), await connect(resources)];
  const key = `bench/${crypto.randomUUID()}`;
  resources.defer(async () => void await writer.del(key));
  await writer.sendCommand(["XGROUP", "CREATE", key, "group", "0", "MKSTREAM"]);
  const read = async (count: number): Promise<void> => {
    const words = ["XREADGROUP", "GROUP", "group", "one", "COUNT", `${BATCH}`, "BLOCK", "1000"];
    while (count > 0) {
      const reply = await reader.sendCommand([...words, "STREAMS", key, ">"]) as unknown as
        | Record<string, [Buffer, [Buffer, Buffer]][]>
        | null;
      const entries = reply?.[key] ?? [];
      for (const [, [, value]] of entries) JSON.parse(value.toString());
      count -= entries.length;
      await writer.sendCommand(["XACK", key, "group", ...entries.map(([id]) => id)]);
    }
  };
  const send = () => writer.sendCommand(["XADD", key, "*", "d", JSON.stringify(PAYLOAD)]);
  const run = () => Promise.all([read(MESSAGES), sendAll(MESSAGES, send)]);
  return {
    name: "raw client",
    run,
    before: () => writer.sendCommand(["XTRIM", key, "MAXLEN", "0"]),
  };
}

async function ownStream(resources: AsyncDisposableStack): Promise<Contender> {
  const namespace = `bench-${crypto.randomUUID().slice(0, 8)}`;
  const bus = await RedisStreamBus.connect({ url: URL, namespace });
  const client = await connect(resources);
  const channel = "bench";
  resources.defer(async () => {
    await bus.close();
    for (const kind of ["stream", "again"]) {
      await client.del(`${namespace}/${kind}/{${channel}}${kind === "again" ? "/group" : ""}`);
    }
  });
  const countdown = new Countdown();
  const schema = z.unknown();
  await bus.subscribe(channel, (message) => {
    message.deserialize(schema);
    countdown.one();
  }, { group: "group" });
  const run = () => measure(countdown, () => bus.publish(channel, PAYLOAD));
  return { name: "RedisStreamBus", run, before: () => bus.trim(channel, { keep: 0 }) };
}

async function measure(countdown: Countdown, send: () => Promise<unknown>): Promise<void> {
  const handled = countdown.of(MESSAGES);
  await sendAll(MESSAGES, send);
  await handled;
}
