import assert from "node:assert/strict";
import { createClient } from "redis";
import { serverTarget, targetLike } from "../../../core/redis/channel.ts";
import { CACHE_AREA } from "../../../cache/adapters/redis/cache_area.ts";
import { RedisConnection } from "../../../core/redis/connection.ts";
import { RedisInvalidationChannel } from "../../../cache/adapters/redis/invalidation_channel.ts";
import { keysOf } from "../../../cache/adapters/redis/keys.ts";
import { RedisStore } from "../../../cache/adapters/redis/store.ts";
import type { Invalidation, InvalidationListener } from "../../../cache/invalidations.ts";
import { parseRedisUrl } from "../../../core/redis/redis_url.ts";
import { systemClock } from "../../../core/clock.ts";
import type { SendRedisCommand } from "../../support/redis.ts";
import { testNamespace, withRedis } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";
import { until } from "../../support/until.ts";

const test = serviceTest(await findService("redis"));

/** A listener that remembers. */
class Heard implements InvalidationListener {
  readonly invalidations: Invalidation[] = [];
  gaps = 0;

  onInvalidation(invalidation: Invalidation): void {
    this.invalidations.push(invalidation);
  }

  onGap(): void {
    this.gaps++;
  }
}

interface Context {
  readonly namespace: string;
  readonly counts: string[];
  /** Creates a channel; those of one test share a namespace. */
  create(): Promise<RedisInvalidationChannel>;
  /** Sends a command of another program. */
  readonly send: SendRedisCommand;
}

function channelTest(name: string, fn: (context: Context) => Promise<void>): void {
  test(name, (url) =>
    withRedis(url, async (send) => {
      const namespace = testNamespace();
      const counts: string[] = [];
      const opened: { close(): unknown }[] = [];
      const server = serverTarget({ address: parseRedisUrl(url), connectTimeoutMs: 2_000 });
      const create = async (): Promise<RedisInvalidationChannel> => {
        const settings = {
          target: server,
          connectTimeoutMs: 2_000,
          clock: systemClock,
          observer: {
            log: () => {},
            count: (name: string) => void counts.push(name),
            duration: () => {},
          },
        };
        const prepare = (): Promise<void> => Promise.resolve();
        const connection = await RedisConnection.open({ ...settings, area: CACHE_AREA, prepare });
        const store = new RedisStore(connection, keysOf(namespace), 2_000);
        const channel = new RedisInvalidationChannel({ ...settings, store, namespace });
        opened.push(channel, connection);
        return channel;
      };
      try {
        await fn({ namespace, counts, create, send });
      } finally {
        for (const one of opened) await one.close();
      }
    }));
}

/** How many subscriptions the channel has on the server. */
async function subscribers({ send, namespace }: Context): Promise<number> {
  const [, count] = await send("PUBSUB", "NUMSUB", `${namespace}/invalidations`) as [
    string,
    number,
  ];
  return count;
}

const MESSAGES: Invalidation[] = [
  { kind: "key", keys: ["a", "b:é"] },
  { kind: "pattern", pattern: "a:*" },
  { kind: "tag", tag: "t" },
];

channelTest("what one publishes all hear, itself included, in its order", async (context) => {
  const [one, other] = [await context.create(), await context.create()];
  const heard = [new Heard(), new Heard()];
  await one.subscribe(heard[0]!);
  await other.subscribe(heard[1]!);
  await Promise.all(MESSAGES.map((message) => one.publish(message)));
  for (const { invalidations } of heard) {
    await until("all have arrived", () => invalidations.length === 3);
    assert.deepEqual(invalidations, MESSAGES);
  }
  assert.deepEqual(heard.map(({ gaps }) => gaps), [0, 0]);
});

test("a client that was passed in is subscribed as itself would be, and left alone", async (url) => {
  const client = createClient({ url });
  const { open, subscribe } = targetLike(client, 2_000);
  const { signal } = new AbortController();
  const subscriber = await subscribe(signal, () => {});
  assert.equal(String(await subscriber.ping()), "PONG");
  const channel = await open(signal, () => {});
  channel.destroy();
  subscriber.destroy();
  assert.equal(client.isOpen, false);
});

channelTest("another namespace hears nothing", async (context) => {
  const channel = await context.create();
  const heard = new Heard();
  await channel.subscribe(heard);
  await context.send("PUBLISH", `${context.namespace}x/invalidations`, '{"kind":"tag","tag":"t"}');
  await channel.publish({ kind: "tag", tag: "last" });
  await until("it has arrived", () => heard.invalidations.length > 0);
  assert.deepEqual(heard.invalidations, [{ kind: "tag", tag: "last" }]);
});

channelTest(
  "there is one connection, from the first subscription to the end of the last",
  async (context) => {
    const channel = await context.create();
    assert.equal(await subscribers(context), 0);
    const ends = await Promise.all([
      channel.subscribe(new Heard()),
      channel.subscribe(new Heard()),
    ]);
    assert.equal(await subscribers(context), 1);
    await ends[0]?.();
    await ends[0]?.();
    assert.equal(await subscribers(context), 1);
    await ends[1]?.();
    await until("it has ended", async () => await subscribers(context) === 0);
    const heard = new Heard();
    await channel.subscribe(heard);
    await channel.publish(MESSAGES[0]!);
    await until("a later subscription hears", () => heard.invalidations.length === 1);
  },
);

channelTest(
  "a message that is not understood is counted and a gap, and the next is heard",
  async (context) => {
    const channel = await context.create();
    const heard = new Heard();
    await channel.subscribe(heard);
    for (const text of ["{", '{"kind":"later"}', "\xff"]) {
      await context.send("PUBLISH", `${context.namespace}/invalidations`, text);
    }
    await channel.publish(MESSAGES[0]!);
    await until("the last has arrived", () => heard.invalidations.length === 1);
    assert.equal(heard.gaps, 3);
    assert.deepEqual(context.counts, Array(3).fill("cache.invalidation_malformed"));
  },
);

channelTest(
  "after a listener threw, no reply goes to another caller, and the loss is a gap",
  async (context) => {
    const channel = await context.create();
    let gaps = 0;
    let broken = true;
    await channel.subscribe({
      onInvalidation: () => {
        if (broken) throw new Error("a bad listener");
      },
      onGap: () => gaps++,
    });
    const heard = new Heard();
    await channel.subscribe(heard);
    await channel.publish(MESSAGES[0]!);
    await until("it is subscribed again", () => gaps === 2);
    broken = false;
    await channel.publish(MESSAGES[1]!);
    await until("the next is heard", () => heard.invalidations.length > 0);
    assert.deepEqual(heard.invalidations.at(-1), MESSAGES[1]);
    assert.deepEqual(context.counts, ["cache.subscription_lost"]);
  },
);

channelTest(
  "a server that refuses the subscription is an error, and the next attempt is a new one",
  async (context) => {
    const channel = await context.create();
    const target = serverTarget({
      address: parseRedisUrl("redis://127.0.0.1:1"),
      connectTimeoutMs: 2_000,
    });
    const refused = new RedisInvalidationChannel({
      target,
      store: undefined as never,
      namespace: context.namespace,
      connectTimeoutMs: 2_000,
      clock: systemClock,
      observer: { log: () => {}, count: () => {}, duration: () => {} },
    });
    for (let i = 0; i < 2; i++) {
      await assert.rejects(refused.subscribe(new Heard()), { code: "unavailable" });
    }
    await channel.subscribe(new Heard());
    assert.equal(await subscribers(context), 1);
  },
);

channelTest("after close it refuses everything, and closing twice is fine", async (context) => {
  const channel = await context.create();
  const heard = new Heard();
  const end = await channel.subscribe(heard);
  await channel.close();
  await channel.close();
  await end();
  await until("the connection has ended", async () => await subscribers(context) === 0);
  await assert.rejects(channel.publish(MESSAGES[0]!), { code: "closed" });
  await assert.rejects(channel.subscribe(heard), { code: "closed" });
  assert.equal(heard.gaps, 0);
});

channelTest("closing while it connects leaves no connection", async (context) => {
  const channel = await context.create();
  const subscribing = assert.rejects(channel.subscribe(new Heard()), { code: "closed" });
  await channel.close();
  await subscribing;
  await until("there is no connection", async () => await subscribers(context) === 0);
});

channelTest("publishing heeds the caller's signal and deadline", async (context) => {
  const channel = await context.create();
  await assert.rejects(channel.publish(MESSAGES[0]!, { signal: AbortSignal.abort() }), {
    code: "aborted",
  });
  await assert.rejects(channel.publish(MESSAGES[0]!, { timeoutMs: 0 }), { field: "timeoutMs" });
});
