import assert from "node:assert/strict";
import { after } from "node:test";
import { RedisRateLimits } from "../../../cache/adapters/redis/rate_limits.ts";
import type { RunScript } from "../../../cache/adapters/redis/script.ts";
import { CacheError } from "../../../core/errors.ts";
import { rateLimitConformance } from "../../conformance/rate_limits.ts";
import { lazily } from "../../support/lazily.ts";
import { openPlainScripts } from "../../support/plain_script.ts";
import { testNamespace } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";

const service = await findService("redis");
const test = serviceTest(service);
const namespace = testNamespace();
const scripts = lazily(() => openPlainScripts("url" in service ? service.url : ""));
if ("url" in service) after(async () => (await scripts()).close());

rateLimitConformance(test, {
  name: "redis",
  open: async (space) => new RedisRateLimits((await scripts()).runScript(`${namespace}:${space}`)),
  passTime: async (ms) => (await scripts()).passTime(ms),
  now: async () => (await scripts()).now(),
});

const minute = { limit: 2, windowMs: 60_000 };
const open = async () => {
  const { runScript, send } = await scripts();
  const key = (name: string): string => `${namespace}/rate:${name}`;
  return { limits: new RedisRateLimits(runScript(namespace)), send, key };
};

test("redis: a key expires at resetAt, when nothing counts any more", async () => {
  const { limits, send, key } = await open();
  const { passTime, now } = await scripts();
  for (const name of ["expires", "expires", "expires"]) {
    const { resetAt } = await limits.checkRateLimit(name, minute);
    const fromMs = await now();
    const ttlMs = Number(await send("PTTL", key("expires:60000")));
    const least = fromMs + ttlMs;
    const most = await now() + ttlMs;
    assert.ok(least <= resetAt.getTime() && resetAt.getTime() <= most);
  }
  const { resetAt } = await limits.checkRateLimit("expires", { limit: 2, windowMs: 120 });
  await passTime(Math.max(0, resetAt.getTime() + 1 - await now()));
  assert.equal(await send("EXISTS", key("expires:120")), 0);
});

test("redis: looking and refused calls write nothing", async () => {
  const { limits, send, key } = await open();
  await limits.checkRateLimit("looks", { ...minute, cost: 0 });
  assert.equal(await send("EXISTS", key("looks:60000")), 0);
  await limits.checkRateLimit("looks", { ...minute, cost: 2 });
  const before = await send("DUMP", key("looks:60000"));
  const ttlMs = Number(await send("PTTL", key("looks:60000")));
  await limits.checkRateLimit("looks", { ...minute, cost: 0 });
  assert.equal((await limits.checkRateLimit("looks", minute)).allowed, false);
  assert.equal(await send("DUMP", key("looks:60000")), before);
  assert.ok(Number(await send("PTTL", key("looks:60000"))) <= ttlMs);
});

test("redis: the hash keeps no more than 61 steps, however many have passed", async () => {
  const { limits, send, key } = await open();
  const { passTime, now } = await scripts();
  const endMs = await now() + 500;
  let most = 0;
  while (await now() < endMs) {
    await limits.checkRateLimit("steps", { limit: 1_000_000, windowMs: 60 });
    most = Math.max(most, Number(await send("HLEN", key("steps:60"))));
    await passTime(1);
  }
  assert.ok(most > 1 && most <= 61, `it had ${most}`);
});

test("redis: what somebody else wrote to the key is an error, and never a refusal", async () => {
  const { limits, send, key } = await open();
  const other = [["SET", "text"], ["LPUSH", "list"], ["HSET", "hash", "no number"]];
  for (const [command, name, ...rest] of other) {
    await send(command!, key(`${name}:60000`), ...rest, "no number");
    for (const cost of [0, 1]) {
      await assert.rejects(limits.checkRateLimit(name!, { ...minute, cost }), CacheError);
    }
  }
});

test("redis: a store that fails is passed on as it is", async () => {
  for (const code of ["unavailable", "timeout"] as const) {
    const failure = new CacheError("the store is away", { code, operation: "x" });
    const limits = new RedisRateLimits(() => Promise.reject(failure));
    await assert.rejects(limits.checkRateLimit("k", minute), (error) => error === failure);
  }
});

test("redis: one key, the deadline and the signal reach the server, and bad input does not", async () => {
  const calls: unknown[] = [];
  const run: RunScript = (script, kind, name, _, call) => {
    const keys = new Set(script.text.match(/KEYS.{3}/g));
    calls.push([script.name, ...keys, kind, name, call]);
    return Promise.resolve([1, 1, 0, 0]);
  };
  const limits = new RedisRateLimits(run);
  const options = { signal: new AbortController().signal, timeoutMs: 5 };
  await limits.checkRateLimit("a:b", minute, options);
  const operation = "RateLimiter.checkRateLimit";
  const expected = [["rate limit", "KEYS[1]", "rate", "a:b:60000", { ...options, operation }]];
  assert.deepEqual(calls, expected);
  const refused = [
    limits.checkRateLimit("*", minute),
    limits.checkRateLimit("k", { ...minute, limit: 0 }),
    limits.checkRateLimit("k", minute, { timeoutMs: 0 }),
    limits.checkRateLimit("k", minute, { signal: AbortSignal.abort() }),
  ];
  for (const call of refused) await assert.rejects(call);
  assert.deepEqual(calls, expected);
});
