import assert from "node:assert/strict";
import { after } from "node:test";
import { batching } from "../../../core/redis/batching_channel.ts";
import { type RedisChannel, type RedisCommand, serverTarget } from "../../../core/redis/channel.ts";
import { parseRedisUrl } from "../../../core/redis/redis_url.ts";
import { replyCode } from "../../../core/redis/redis_error.ts";
import { withServer } from "../../support/faulty_redis.ts";
import { lazily } from "../../support/lazily.ts";
import { type PrivateRedis, startRedis } from "../../support/private_redis.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("redis");

const server = lazily(() => startRedis());
after(async () => await (await server())[Symbol.asyncDispose]());

/** Opens a channel on a server without data, counts what it is asked from now on, and closes the channel. */
async function withChannel(
  use: (channel: RedisChannel, redis: PrivateRedis) => Promise<void>,
  redis?: PrivateRedis,
  login = "",
): Promise<void> {
  redis ??= await server();
  await redis.command("FLUSHALL");
  const address = parseRedisUrl(redis.url.replace("redis://", `redis://${login}`));
  const target = serverTarget({ address, connectTimeoutMs: 5_000 });
  const channel = await batching(target.open)(new AbortController().signal, () => {});
  await redis.command("CONFIG", "RESETSTAT");
  try {
    await use(channel, redis);
  } finally {
    channel.destroy();
  }
}

function append(key: string, text: string | Uint8Array): RedisCommand {
  return { args: ["RPUSH", key, text], key, batched: true };
}

async function list(redis: PrivateRedis, key: string): Promise<string[]> {
  return (await redis.command("LRANGE", key, "0", "-1") as unknown[]).map(String);
}

/** How often the server was asked to do it. */
async function calls(redis: PrivateRedis, command: string): Promise<number> {
  const stats = String(await redis.command("INFO", "commandstats"));
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

/** What each promise came to: its value, or the code of the error reply. */
async function outcomes(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(promises);
  return settled.map((one) => one.status === "fulfilled" ? one.value : replyCode(one.reason));
}

test("what is sent in one turn goes as one command, also from its promises, in order", () =>
  withChannel(async (channel, redis) => {
    const later = async (): Promise<void> => {
      await Promise.resolve().then(() => {}).then(() => {});
      await channel.send(append("a", "late"));
    };
    const bytes = new TextEncoder().encode("größe");
    const sent = [later(), ...["1", bytes, "3"].map((text) => channel.send(append("a", text)))];
    assert.deepEqual(await outcomes(sent), Array(4).fill(undefined));
    assert.deepEqual(await list(redis, "a"), ["1", "größe", "3", "late"]);
    assert.equal(await calls(redis, "eval"), 1);
    assert.equal(await calls(redis, "rpush"), 4);
  }));

test("one alone goes as it is", () =>
  withChannel(async (channel, redis) => {
    await channel.send(append("a", "1"));
    assert.equal(await calls(redis, "eval"), 0);
    assert.deepEqual(await list(redis, "a"), ["1"]);
  }));

test("what differs, or is not to be batched, is not in the batch, and the order stays", () =>
  withChannel(async (channel, redis) => {
    const rename = { args: ["RENAME", "a", "b"], key: "a" };
    const sent = [
      channel.send(append("a", "1")),
      channel.send(append("a", "2")),
      channel.send(rename),
      channel.send(append("b", "3")),
      channel.send(append("b", "4")),
      channel.send({ args: ["RPUSH", "b", "5", "6"], key: "b", batched: true }),
    ];
    await Promise.all(sent);
    assert.deepEqual(await list(redis, "b"), ["1", "2", "3", "4", "5", "6"]);
    assert.equal(await calls(redis, "eval"), 2);
  }));

test("a batch is bounded by commands and by length", () =>
  withChannel(async (channel, redis) => {
    await Promise.all(Array.from({ length: 600 }, (_, i) => channel.send(append("a", `${i}`))));
    assert.deepEqual(await list(redis, "a"), Array.from({ length: 600 }, (_, i) => `${i}`));
    assert.equal(await calls(redis, "eval"), 3);
    const long = "x".repeat(150_000);
    await Promise.all([1, 2, 3].map(() => channel.send(append("b", long))));
    assert.equal(await calls(redis, "eval"), 3);
    assert.equal((await list(redis, "b")).length, 3);
  }));

test("the first that fails fails those behind it, which are not carried out", () =>
  withChannel(async (channel, redis) => {
    const add = (by: string) =>
      channel.send({ args: ["INCRBY", "n", by], key: "n", batched: true });
    const sent = ["1", "2", "no number", "4", "5"].map(add);
    assert.deepEqual(await outcomes(sent), [undefined, undefined, "ERR", "ERR", "ERR"]);
    assert.equal(String(await redis.command("GET", "n")), "3");
    await redis.command("SET", "a", "text");
    const wrong = [1, 2].map(() => channel.send(append("a", "1")));
    assert.deepEqual(await outcomes(wrong), ["WRONGTYPE", "WRONGTYPE"]);
  }));

test("a full server and one that is a replica are told as without a batch", () =>
  withServer({}, (own) =>
    withChannel(async (channel, redis) => {
      const twice = () => outcomes([1, 2].map((n) => channel.send(append("a", `${n}`))));
      await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
      await redis.command("CONFIG", "SET", "maxmemory", "1");
      assert.deepEqual(await twice(), ["OOM", "OOM"]);
      await redis.command("CONFIG", "SET", "maxmemory", "0");
      await redis.command("REPLICAOF", "127.0.0.1", "1");
      assert.deepEqual(await twice(), ["READONLY", "READONLY"]);
    }, own)));

test("a user who may not run scripts sends every command on its own", () =>
  withServer({}, async (own) => {
    const rights = ["on", ">secret", "~*", "&*", "+@all", "-@scripting"];
    await own.command("ACL", "SETUSER", "plain", ...rights);
    await withChannel(
      async (channel, redis) => {
        await Promise.all(["1", "2", "3"].map((text) => channel.send(append("a", text))));
        assert.deepEqual(await list(redis, "a"), ["1", "2", "3"]);
        assert.equal(await calls(redis, "eval"), 0);
      },
      own,
      "plain:secret@",
    );
  }));

test("what a user may not do in a script is told as outside of it", () =>
  withServer({}, async (own) => {
    const rights = ["on", ">secret", "~*", "resetchannels", "&open", "+@all", "-rpush"];
    await own.command("ACL", "SETUSER", "few", ...rights);
    await withChannel(
      async (channel) => {
        const publish = (name: string): Promise<unknown> =>
          channel.send({ args: ["PUBLISH", name, "x"], batched: true });
        assert.deepEqual(await outcomes([publish("open"), publish("open")]), [
          undefined,
          undefined,
        ]);
        assert.deepEqual(await outcomes([publish("shut"), publish("shut")]), ["NOPERM", "NOPERM"]);
        const pushes = [1, 2].map(() => channel.send(append("a", "1")));
        assert.deepEqual(await outcomes(pushes), ["NOPERM", "NOPERM"]);
      },
      own,
      "few:secret@",
    );
  }));

test("when the connection goes, everything in the batch rejects", () =>
  withChannel(async (channel) => {
    const sent = ["1", "2"].map((text) => channel.send(append("a", text)));
    channel.destroy();
    const settled = await Promise.allSettled(sent);
    assert.deepEqual(settled.map(({ status }) => status), ["rejected", "rejected"]);
  }));
