import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisCacheProvider } from "../../../cache/adapters/redis.ts";
import { RedisLocks } from "../../../cache/adapters/redis/locks.ts";
import type { RunScript, ScriptCall } from "../../../cache/adapters/redis/script.ts";
import { CacheError } from "../../../core/errors.ts";
import { lockConformance, REAL_TIME } from "../../conformance/locks.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
import { testNamespace, withRedis } from "../../support/redis.ts";
import { openScripts, type RedisScripts } from "../../support/redis_scripts.ts";
import { findService, serviceTest } from "../../support/services.ts";

const service = await findService("redis");
const redisTest = serviceTest(service);
const serverUrl = "url" in service ? service.url : "";
const namespaces = new Map<string, string>();

function namespaceOf(space: string): string {
  const namespace = namespaces.get(space) ?? testNamespace();
  namespaces.set(space, namespace);
  return namespace;
}

/** Deletes what was used, which would stay for a day. */
async function close(scripts: RedisScripts): Promise<void> {
  await scripts[Symbol.asyncDispose]();
  if (scripts.keys.size === 0) return;
  await withRedis(serverUrl, (send) => send("UNLINK", ...scripts.keys));
}

lockConformance(redisTest, {
  ...REAL_TIME,
  name: "redis",
  capabilities: { manyAtOnce: true },
  ttlMs: 800,
  open: async (space) => {
    const scripts = await openScripts(serverUrl, namespaceOf(space));
    return { provider: new RedisLocks(scripts.run), close: () => close(scripts) };
  },
  steal: (space, name) =>
    withRedis(serverUrl, async (send) => {
      assert.equal(await send("DEL", `${namespaceOf(space)}/lock:${name}`), 1);
    }),
});

interface Context {
  readonly locks: RedisLocks;
  readonly key: string;
  send(...args: string[]): Promise<unknown>;
}

/** Registers a test with locks, the key of the lock `n`, and a way to send commands. */
function serverTest(name: string, fn: (context: Context) => Promise<void>): void {
  redisTest(`redis: ${name}`, async (url) => {
    const namespace = testNamespace();
    const scripts = await openScripts(url, namespace);
    try {
      await withRedis(
        url,
        (send) => fn({ locks: new RedisLocks(scripts.run), key: `${namespace}/lock:n`, send }),
      );
    } finally {
      await close(scripts);
    }
  });
}

async function microseconds(send: Context["send"]): Promise<number> {
  const [seconds, rest] = await send("TIME") as [string, string];
  return Number(seconds) * 1_000_000 + Number(rest);
}

serverTest(
  "one hash holds the lock for ttlMs, and its token for a day longer",
  async ({ locks, key, send }) => {
    const ttlMs = 60_000;
    const token = await locks.withLock("n", async (lock) => {
      const [owner, token, until] = await send("HMGET", key, "owner", "token", "until") as string[];
      assert.match(owner!, /^[0-9a-f-]{36}$/);
      assert.equal(token, String(lock.token));
      const leftMs = (Number(until) - await microseconds(send)) / 1_000;
      assert.ok(leftMs > ttlMs - 5_000 && leftMs <= ttlMs, `${leftMs} ms`);
      const keyLeftMs = await send("PTTL", key) as number - ttlMs;
      assert.ok(keyLeftMs > 86_395_000 && keyLeftMs <= 86_400_000, `${keyLeftMs} ms`);
      return lock.token;
    }, { ttlMs });
    assert.deepEqual(await send("HGETALL", key), ["token", String(token)]);
    const keyLeftMs = await send("PTTL", key) as number;
    assert.ok(keyLeftMs > 86_395_000 && keyLeftMs <= 86_400_000, `${keyLeftMs} ms`);
  },
);

serverTest(
  "the token is the time of the server, and grows after the key was lost",
  async ({ locks, key, send }) => {
    const tokens: number[] = [];
    for (let i = 0; i < 3; i++) {
      const before = await microseconds(send);
      await locks.withLock("n", ({ token }) => void tokens.push(token));
      await send("DEL", key);
      assert.ok(tokens[i]! >= before && tokens[i]! <= await microseconds(send));
    }
    assert.deepEqual(tokens, [...new Set(tokens)].sort((a, b) => a - b));
  },
);

serverTest(
  "the token grows also if the clock of the server was set back",
  async ({ locks, key, send }) => {
    const future = await microseconds(send) + 3_600_000_000;
    await send("HSET", key, "token", String(future));
    assert.equal(await locks.withLock("n", ({ token }) => token), future + 1);
    assert.equal(await locks.withLock("n", ({ token }) => token), future + 2);
  },
);

serverTest(
  "a lock that nobody renews is free after its time, and not before",
  async ({ locks, key, send }) => {
    const now = await microseconds(send);
    await send("HSET", key, "owner", "gone", "token", "1", "until", String(now + 600_000));
    await assert.rejects(locks.withLock("n", () => {}, { waitMs: 0 }), { code: "timeout" });
    const at = await locks.withLock("n", () => microseconds(send), { waitMs: 30_000 });
    assert.ok(at >= now + 600_000, `${at - now} microseconds`);
  },
);

serverTest(
  "an owner whose time is over does not renew, even if nobody else has come",
  async ({ locks, key, send }) => {
    const call = locks.withLock("n", async ({ signal }) => {
      await send("HSET", key, "until", String(await microseconds(send) - 1));
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    }, { ttlMs: 300 });
    await assert.rejects(call, { name: "LockError", code: "conflict" });
  },
);

serverTest("a key of another type is an error, and is left alone", async ({ locks, key, send }) => {
  await send("SET", key, "text");
  await assert.rejects(locks.withLock("n", () => {}), { name: "CacheError" });
  assert.equal(await send("GET", key), "text");
});

/** A server that a test plays itself. */
class FakeServer {
  readonly clock = new ManualClock();
  readonly calls: { script: string; owner: unknown; ttlMs: unknown; call: ScriptCall }[] = [];
  readonly locks: RedisLocks = new RedisLocks((...args) => this.#run(...args), {
    clock: this.clock,
  });
  answer: Record<string, () => Promise<unknown>> = {};

  #run(...[{ name }, kind, key, [owner, ttlMs], call]: Parameters<RunScript>): Promise<unknown> {
    assert.deepEqual([kind, key, call.operation], ["lock", "n", "LockProvider.withLock"]);
    this.calls.push({ script: name, owner, ttlMs, call });
    return this.answer[name]?.() ?? Promise.resolve(1);
  }

  get scripts(): string[] {
    return this.calls.map(({ script }) => script);
  }
}

function failure(
  outcome: "not-applied" | "unknown",
  code: "unavailable" | "timeout" = "unavailable",
): CacheError {
  return new CacheError("Cannot run script: x", { code, operation: "x", outcome });
}

test("an attempt whose reply was lost is released, and one that was not sent is not", async () => {
  for (const outcome of ["unknown", "not-applied"] as const) {
    const server = new FakeServer();
    const error = failure(outcome);
    server.answer["acquire lock"] = () => Promise.reject(error);
    await assert.rejects(server.locks.withLock("n", () => {}), error);
    const expected = outcome === "unknown" ? ["acquire lock", "release lock"] : ["acquire lock"];
    assert.deepEqual(server.scripts, expected);
    assert.equal(new Set(server.calls.map(({ owner }) => owner)).size, 1);
  }
});

test("a release without an answer does not cost the result", async () => {
  const server = new FakeServer();
  server.answer["release lock"] = () => Promise.reject(failure("unknown"));
  assert.equal(await server.locks.withLock("n", () => "result"), "result");
  assert.equal(server.calls.at(-1)?.call.timeoutMs, 5_000);
});

test("the time of a lock counts from before its request", async () => {
  const server = new FakeServer();
  server.answer["acquire lock"] = () => (server.clock.block(800), Promise.resolve(7));
  await server.locks.withLock("n", ({ signal, token }) => {
    assert.equal(token, 7);
    server.clock.block(99);
    assert.equal(signal.aborted, false);
    server.clock.block(1);
    assert.equal(signal.aborted, true);
  }, { ttlMs: 1_000 }).then(
    () => assert.fail("it was lost"),
    ({ code }) => assert.equal(code, "conflict"),
  );
});

test("every acquisition has an owner of its own", async () => {
  const server = new FakeServer();
  for (let i = 0; i < 5; i++) await server.locks.withLock("n", () => {}, { ttlMs: 1_234 });
  assert.equal(new Set(server.calls.map(({ owner }) => owner)).size, 5);
  assert.ok(server.calls.every(({ ttlMs }) => ttlMs === "1234"));
});

test("a token that is no safe integer is refused, and the lock released", async () => {
  for (const token of ["7", 2 ** 53, 1.5, undefined, 7n]) {
    const server = new FakeServer();
    server.answer["acquire lock"] = () => Promise.resolve(token);
    await assert.rejects(server.locks.withLock("n", () => {}), { code: "corrupted" });
    assert.deepEqual(server.scripts, ["acquire lock", "release lock"]);
  }
});

redisTest(
  "redis: a lock is released when its holder stops because the cache is closed",
  async (url) => {
    const namespace = testNamespace();
    const cache = await RedisCacheProvider.connect({ url, namespace });
    const call = cache.withLock("n", async ({ signal }) => {
      const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
      void cache.close();
      await aborted;
      // What the holder does to stop.
      await new Promise((resolve) => setTimeout(resolve, 50));
      return "stopped";
    });
    assert.equal(await call, "stopped");
    await withRedis(url, async (send) => {
      assert.equal(await send("HEXISTS", `${namespace}/lock:n`, "owner"), 0);
      await send("UNLINK", `${namespace}/lock:n`);
    });
  },
);

redisTest(
  "redis: a holder that does not stop holds up the end of the cache for a second",
  async (url) => {
    const namespace = testNamespace();
    const cache = await RedisCacheProvider.connect({ url, namespace });
    let stop = (): void => {};
    let call: Promise<void> | undefined;
    await new Promise<void>((held) => {
      call = cache.withLock("n", () => {
        held();
        return new Promise<void>((resolve) => stop = resolve);
      });
    });
    const startMs = performance.now();
    await cache.close();
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs > 950, `it took ${tookMs} ms`);
    stop();
    await call;
    await withRedis(url, (send) => send("UNLINK", `${namespace}/lock:n`));
  },
);
