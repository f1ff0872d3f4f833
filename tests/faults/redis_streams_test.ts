import assert from "node:assert/strict";
import type { InfrastructureError } from "../../core/errors.ts";
import { RedisStreamBus } from "../../messaging/adapters/redis_streams.ts";
import type { StreamProblem } from "../../messaging/streams.ts";
import { Recorder } from "../conformance/messaging/support.ts";
import { kindOfProblem, readUntil } from "../conformance/streams/harness.ts";
import { within, withProxy, withServer } from "../support/faulty_redis.ts";
import type { PrivateRedis } from "../support/private_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { swallowReply } from "../support/toxics.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

const CHANNEL = "events:user";
const KEY = "exchange/stream/{events:user}";

/** A bus on a server that does not keep what it has. */
function withStreams(
  use: (open: { bus: RedisStreamBus; server: PrivateRedis }) => Promise<void>,
): Promise<void> {
  return withServer({}, async (server) => {
    const bus = await RedisStreamBus.connect({ url: server.url });
    try {
      await use({ bus, server });
    } finally {
      await bus.close({ timeoutMs: 500 });
    }
  });
}

/** Subscribes, and keeps what comes and what goes wrong. */
async function listen(
  bus: RedisStreamBus,
): Promise<{ heard: Recorder<string>; problems: Recorder<StreamProblem> }> {
  const [heard, problems] = [new Recorder<string>(), new Recorder<StreamProblem>()];
  await bus.subscribe(CHANNEL, ({ payload }) => heard.add(payload), {
    group: "one",
    takeOverMs: 300,
    onProblem: problems.add,
  });
  return { heard, problems };
}

function failure(call: Promise<unknown>): Promise<InfrastructureError> {
  return call.then(() => assert.fail("it was accepted"), (error) => error);
}

test("a reader whose connection is cut goes on, and nothing is lost", () =>
  withStreams(async ({ bus, server }) => {
    const { heard } = await listen(bus);
    await bus.publish(CHANNEL, 1);
    await heard.until(1);
    await server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await until("it is there again", () => bus.publish(CHANNEL, 2).then(() => true, () => false));
    await heard.until(2);
    assert.deepEqual([...new Set(heard.values)], ["1", "2"]);
  }));

test("a server that comes back without data: the group is created again, and says so", () =>
  withStreams(async ({ bus, server }) => {
    const { heard, problems } = await listen(bus);
    await bus.publish(CHANNEL, 1);
    await heard.until(1);
    await server.stop("kill");
    const refused = async (): Promise<boolean> => {
      const { code, outcome } = await failure(bus.publish(CHANNEL, 2, { timeoutMs: 1_000 }));
      assert.equal(code, "unavailable");
      return outcome === "not-applied";
    };
    // The end of the process can be known before that of its connections: what is sent then is open.
    await until("the connection is known to be gone", refused);
    await server.start();
    await until("it is there again", () => bus.publish(CHANNEL, 3).then(() => true, () => false));
    await heard.until(2);
    assert.equal(heard.values.at(-1), "3");
    assert.ok(problems.values.every(({ kind }) => kind === "interrupted"));
    const texts = problems.values.map((problem) => "error" in problem ? String(problem.error) : "");
    assert.ok(texts.length > 0, "nothing was told");
  }));

test("a stream that is removed is created again, and its group told", () =>
  withStreams(async ({ bus, server }) => {
    const { heard, problems } = await listen(bus);
    await bus.publish(CHANNEL, 1);
    await heard.until(1);
    await server.command("DEL", KEY);
    await problems.until(1);
    await bus.publish(CHANNEL, 2);
    await heard.until(2);
    const [problem] = problems.values;
    assert.ok(problem?.kind === "interrupted");
    assert.match(String(problem.error), /the group one was gone, and is created again/);
  }));

test("a server that does not answer: calls end by their deadline, and it goes on afterwards", () =>
  withStreams(async ({ bus, server }) => {
    const { heard } = await listen(bus);
    server.pause();
    const { code, outcome } = await within(
      2_000,
      () => failure(bus.publish(CHANNEL, 1, { timeoutMs: 300 })),
    );
    assert.deepEqual([code, outcome], ["timeout", "unknown"]);
    server.resume();
    await until("it is there again", () => bus.publish(CHANNEL, 2).then(() => true, () => false));
    await until("it arrives", () => heard.values.includes("2"));
  }));

test("a lost reply leaves open whether it was published, and published again it has the same id", () =>
  withServer({}, (server) =>
    withProxy(server.port, async (proxy) => {
      const bus = await RedisStreamBus.connect({ url: proxy.through(server.url) });
      const other = await RedisStreamBus.connect({ url: server.url });
      try {
        const ids = new Recorder<string>();
        await other.subscribe(CHANNEL, ({ id }) => ids.add(id), { group: "one" });
        proxy.add(swallowReply(/XADD/));
        const { code, outcome } = await failure(bus.publish(CHANNEL, 1, { id: "a" }));
        assert.deepEqual([code, outcome], ["unavailable", "unknown"]);
        proxy.heal();
        const again = (): Promise<string> => bus.publish(CHANNEL, 1, { id: "a" });
        await until("it works", () => again().then(() => true, () => false));
        await ids.until(2);
        assert.deepEqual([...new Set(ids.values)], ["a"]);
      } finally {
        await Promise.all([bus.close(), other.close()]);
      }
    })));

test("entries that a dead reader held and that were removed are told as lost, and it goes on", () =>
  withStreams(async ({ bus, server }) => {
    const dead = await bus.reader(CHANNEL, { group: "one", takeOverMs: 300 });
    for (let i = 0; i < 5; i++) await bus.publish(CHANNEL, i);
    await readUntil(dead, 5);
    await server.command("XTRIM", KEY, "MAXLEN", "2");
    const { heard, problems } = await listen(bus);
    await heard.until(2);
    await problems.until(1);
    assert.deepEqual(problems.values.map(kindOfProblem), ["gap 3"]);
    await bus.publish(CHANNEL, 5);
    await heard.until(3);
    assert.deepEqual([...heard.values].sort(), ["3", "4", "5"]);
  }));

test("a full server refuses to publish, and what it has is handled", () =>
  withStreams(async ({ bus, server }) => {
    await bus.publish(CHANNEL, 1);
    await server.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
    await server.command("CONFIG", "SET", "maxmemory", "1");
    const { code, outcome } = await failure(bus.publish(CHANNEL, 2));
    assert.deepEqual([code, outcome], ["resource_exhausted", "not-applied"]);
    await server.command("CONFIG", "SET", "maxmemory", "0");
    const { heard } = await listen(bus);
    await bus.publish(CHANNEL, 3);
    assert.deepEqual([...await heard.until(2)], ["1", "3"]);
  }));

test("a key that is no stream is an error that says so", () =>
  withStreams(async ({ bus, server }) => {
    await server.command("SET", KEY, "text");
    assert.equal((await failure(bus.publish(CHANNEL, 1))).code, "conflict");
    assert.equal(
      (await failure(bus.subscribe(CHANNEL, () => {}, { group: "one" }))).code,
      "conflict",
    );
  }));

test("a server that becomes a replica ends the wait of its readers, and they come back", () =>
  withStreams(async ({ bus, server }) => {
    const { heard } = await listen(bus);
    await server.command("REPLICAOF", "127.0.0.1", "1");
    const { code } = await failure(bus.publish(CHANNEL, 1));
    assert.equal(code, "unavailable");
    await server.command("REPLICAOF", "NO", "ONE");
    await until("it is there again", () => bus.publish(CHANNEL, 2).then(() => true, () => false));
    await until("it arrives", () => heard.values.includes("2"));
  }));
