import assert from "node:assert/strict";
import { RedisEventBus } from "../../../messaging/adapters/redis.ts";
import { type CommandOutcome, runRecorded } from "../../support/recorded_io.ts";
import { withRedis } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";

const test = serviceTest(await findService("redis"));

/** Tails the channel while `publish` runs, until so many pieces of text were written after it said that it listens. */
async function tail(
  url: string,
  { channel, pieces, args = [], isTerminal = false }: {
    channel: string;
    pieces: number;
    args?: string[];
    isTerminal?: boolean;
  },
  publish: () => Promise<unknown>,
): Promise<CommandOutcome> {
  const stop = new AbortController();
  let written = 0;
  const onWrite = (): void => {
    if (written++ === 0) publish().catch(() => stop.abort());
    if (written === pieces + 1) stop.abort();
  };
  return await runRecorded(["events", "tail", "--channel", channel, ...args], {
    environment: { REDIS_URL: url },
    signal: stop.signal,
    isTerminal,
    onWrite,
  });
}

async function withBus(url: string, use: (bus: RedisEventBus) => Promise<void>): Promise<void> {
  const bus = await RedisEventBus.connect({ url });
  try {
    await use(bus);
  } finally {
    await bus.close();
  }
}

test("events are printed as they happen, one line each, until it is stopped, which is 0", (url) =>
  withBus(url, async (bus) => {
    const channel = `test:${crypto.randomUUID()}`;
    const time = "2026-11-22T10:00:00.000Z";
    const outcome = await tail(url, { channel: `${channel}:*`, pieces: 2 }, async () => {
      await bus.publish(channel, { type: "Elsewhere" });
      await bus.publish(`${channel}:1`, { type: "Created", name: "a\u009b\nb" }, { id: "1", time });
      await bus.publish(`${channel}:2`, { type: "Deleted" }, { id: "2", time });
    });
    assert.deepEqual(outcome, {
      code: 0,
      stdout: `${time} ${channel}:1 Created 1 {"type":"Created","name":"a\\u009b\\nb"}\n` +
        `${time} ${channel}:2 Deleted 2 {"type":"Deleted"}\n`,
      stderr: `Listening to ${channel}:*, until Ctrl-C\n`,
    });
  }));

test("with --json each event is a line of JSON, without colors also on a terminal", (url) =>
  withBus(url, async (bus) => {
    const channel = `test:${crypto.randomUUID()}`;
    const options = { channel, pieces: 1, args: ["--json"], isTerminal: true };
    const { code, stdout } = await tail(
      url,
      options,
      () => bus.publish(channel, { score: 1 }, { id: "1", type: "Scored", partitionKey: "42" }),
    );
    assert.equal(code, 0);
    assert.equal(stdout.split("\n").length, 2);
    const { id, type, partitionKey, payload, ...rest } = JSON.parse(stdout);
    assert.deepEqual({ id, type, partitionKey, payload }, {
      id: "1",
      type: "Scored",
      partitionKey: "42",
      payload: { score: 1 },
    });
    assert.equal(rest.channel, channel);
  }));

test("what is no event is told on the error stream, without its bytes", async (url) => {
  const channel = `test:${crypto.randomUUID()}`;
  const { stdout, stderr } = await tail(
    url,
    { channel, pieces: 1 },
    () => withRedis(url, (send) => send("PUBLISH", channel, "s3cr3t")),
  );
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`\nnot an event: 6 bytes on ${channel}\n$`));
});

test("a pattern that cannot be is wrong use, and a server that is not there is told", async (url) => {
  const wrong = await runRecorded(["events", "tail", "--channel", "a b"], {
    environment: { REDIS_URL: url },
  });
  assert.equal(wrong.code, 2, wrong.stderr);
  const { code, stderr } = await runRecorded(["events", "tail"], {
    environment: { REDIS_URL: "redis://:s3cr3t@127.0.0.1:9" },
  });
  assert.equal(code, 1);
  assert.match(stderr, /^events: .*ECONNREFUSED, tried 127\.0\.0\.1:9\n$/);
});
