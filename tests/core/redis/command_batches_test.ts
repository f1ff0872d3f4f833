import assert from "node:assert/strict";
import { after } from "node:test";
import { CACHE_AREA } from "../../../cache/adapters/redis/cache_area.ts";
import { systemClock } from "../../../core/clock.ts";
import type { InfrastructureError } from "../../../core/errors.ts";
import { silentObserver } from "../../../core/observer.ts";
import { serverTarget } from "../../../core/redis/channel.ts";
import { CommandBatches } from "../../../core/redis/command_batches.ts";
import { parseRedisUrl } from "../../../core/redis/redis_url.ts";
import { replyCode } from "../../../core/redis/redis_error.ts";
import { withServer } from "../../support/faulty_redis.ts";
import { lazily } from "../../support/lazily.ts";
import { type PrivateRedis, startRedis } from "../../support/private_redis.ts";
import { privateServerTest } from "../../support/services.ts";
import { until } from "../../support/until.ts";

const test = privateServerTest("redis");

const server = lazily(() => startRedis());
after(async () => await (await server())[Symbol.asyncDispose]());

const CALL = { operation: "test", timeoutMs: 5_000 };

/** Connects to a server without data, counts what that is asked from now on, and closes the connection. */
async function withBatches(
  use: (batches: CommandBatches, redis: PrivateRedis) => Promise<void>,
  redis?: PrivateRedis,
  login = "",
): Promise<void> {
  redis ??= await server();
  await redis.command("FLUSHALL");
  const address = parseRedisUrl(redis.url.replace("redis://", `redis://${login}`));
  const batches = await CommandBatches.open({
    area: CACHE_AREA,
    target: serverTarget({ address, connectTimeoutMs: 5_000 }),
    connectTimeoutMs: 5_000,
    clock: systemClock,
    observer: silentObserver,
    prepare: () => Promise.resolve(),
  });
  await redis.command("CONFIG", "RESETSTAT");
  try {
    await use(batches, redis);
  } finally {
    batches.connection.close();
  }
}

function append(
  batches: CommandBatches,
  key: string,
  text: string | Uint8Array,
  call: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  return batches.send({ args: ["RPUSH", key, text], key }, { ...CALL, ...call });
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
  withBatches(async (batches, redis) => {
    const later = async (): Promise<void> => {
      await Promise.resolve().then(() => {}).then(() => {});
      await append(batches, "a", "late");
    };
    const bytes = new TextEncoder().encode("größe");
    const sent = [later(), ...["1", bytes, "3"].map((text) => append(batches, "a", text))];
    assert.deepEqual(await outcomes(sent), Array(4).fill(undefined));
    assert.deepEqual(await list(redis, "a"), ["1", "größe", "3", "late"]);
    assert.equal(await calls(redis, "eval"), 1);
    assert.equal(await calls(redis, "rpush"), 4);
  }));

test("one alone goes as it is", () =>
  withBatches(async (batches, redis) => {
    await append(batches, "a", "1");
    assert.equal(await calls(redis, "eval"), 0);
    assert.deepEqual(await list(redis, "a"), ["1"]);
  }));

test("what differs in more than the last word is not in the batch, and the order stays", () =>
  withBatches(async (batches, redis) => {
    const { signal } = new AbortController();
    await Promise.all([
      append(batches, "a", "1"),
      append(batches, "a", "2"),
      batches.send({ args: ["RENAME", "a", "b"], key: "a" }, CALL),
      append(batches, "b", "3"),
      append(batches, "b", "4"),
      batches.send({ args: ["RPUSH", "b", "5", "6"], key: "b" }, CALL),
      append(batches, "b", "7", { signal }),
      append(batches, "b", "8"),
      append(batches, "b", "9", { timeoutMs: 4_000 }),
    ]);
    assert.deepEqual(await list(redis, "b"), ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert.equal(await calls(redis, "eval"), 3);
  }));

test("a signal ends the waiting of its own command only", () =>
  withServer({}, (own) =>
    withBatches(async (batches, redis) => {
      const controller = new AbortController();
      redis.pause();
      const aborted = append(batches, "a", "1", { signal: controller.signal });
      const other = append(batches, "a", "2", { signal: new AbortController().signal });
      controller.abort();
      const { code, outcome } = await aborted.catch((error) => error);
      assert.deepEqual([code, outcome], ["aborted", "unknown"]);
      redis.resume();
      await other;
      assert.deepEqual(await list(redis, "a"), ["1", "2"]);
    }, own)));

test("a batch is bounded by commands and by length", () =>
  withBatches(async (batches, redis) => {
    const numbers = Array.from({ length: 600 }, (_, i) => `${i}`);
    await Promise.all(numbers.map((text) => append(batches, "a", text)));
    assert.deepEqual(await list(redis, "a"), numbers);
    assert.equal(await calls(redis, "eval"), 3);
    const long = "x".repeat(150_000);
    await Promise.all([1, 2, 3].map(() => append(batches, "b", long)));
    assert.equal(await calls(redis, "eval"), 3);
    assert.equal((await list(redis, "b")).length, 3);
  }));

test("the first that fails fails those behind it, which are not carried out", () =>
  withBatches(async (batches, redis) => {
    const add = (by: string) => batches.send({ args: ["INCRBY", "n", by], key: "n" }, CALL);
    const sent = ["1", "2", "no number", "4", "5"].map(add);
    assert.deepEqual(await outcomes(sent), [undefined, undefined, "ERR", "ERR", "ERR"]);
    assert.equal(String(await redis.command("GET", "n")), "3");
    await redis.command("SET", "a", "text");
    const wrong = [1, 2].map(() => append(batches, "a", "1"));
    assert.deepEqual(await outcomes(wrong), ["WRONGTYPE", "WRONGTYPE"]);
  }));

test("a full server and one that is a replica are told as without a batch", () =>
  withServer({}, (own) =>
    withBatches(async (batches, redis) => {
      const twice = () => outcomes([1, 2].map((n) => append(batches, "a", `${n}`)));
      await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
      await redis.command("CONFIG", "SET", "maxmemory", "1");
      assert.deepEqual(await twice(), ["OOM", "OOM"]);
      await redis.command("CONFIG", "SET", "maxmemory", "0");
      await redis.command("REPLICAOF", "127.0.0.1", "1");
      assert.deepEqual(await twice(), ["READONLY", "READONLY"]);
      await redis.command("REPLICAOF", "NO", "ONE");
      await until("it is connected again", () => batches.connection.isReady);
      assert.deepEqual(await twice(), [undefined, undefined]);
    }, own)));

test("a user who may not run scripts sends every command on its own", () =>
  withServer({}, async (own) => {
    const rights = ["on", ">secret", "~*", "&*", "+@all", "-@scripting"];
    await own.command("ACL", "SETUSER", "plain", ...rights);
    await withBatches(
      async (batches, redis) => {
        await Promise.all(["1", "2", "3"].map((text) => append(batches, "a", text)));
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
    await withBatches(
      async (batches) => {
        const twice = (send: () => Promise<void>) => outcomes([send(), send()]);
        const publish = (name: string) => () =>
          batches.send({ args: ["PUBLISH", name, "x"] }, CALL);
        assert.deepEqual(await twice(publish("open")), [undefined, undefined]);
        assert.deepEqual(await twice(publish("shut")), ["NOPERM", "NOPERM"]);
        assert.deepEqual(await twice(() => append(batches, "a", "1")), ["NOPERM", "NOPERM"]);
      },
      own,
      "few:secret@",
    );
  }));

test("a server that does not answer: all of a batch end by their deadline, with the same outcome", () =>
  withServer({}, (own) =>
    withBatches(async (batches, redis) => {
      redis.pause();
      const sent = [1, 2].map((n) => append(batches, "a", `${n}`, { timeoutMs: 200 }));
      const errors = await Promise.all(sent.map((one) => one.catch((error) => error)));
      const verdicts = errors.map(({ code, outcome }: InfrastructureError) => [code, outcome]);
      assert.deepEqual(verdicts, Array(2).fill(["timeout", "unknown"]));
      redis.resume();
    }, own)));

test("it knows when everything is settled", () =>
  withBatches(async (batches, redis) => {
    await batches.settled();
    const sent = [1, 2].map((n) => append(batches, "a", `${n}`));
    await batches.settled();
    assert.equal((await list(redis, "a")).length, 2);
    await Promise.all(sent);
  }));

test("a closed connection rejects everything", () =>
  withBatches(async (batches) => {
    const sent = [1, 2].map((n) => append(batches, "a", `${n}`));
    batches.connection.close();
    const errors = await Promise.all(sent.map((one) => one.catch((error) => error)));
    assert.deepEqual(errors.map(({ code }: InfrastructureError) => code), ["closed", "closed"]);
  }));
