import assert from "node:assert/strict";
import { inspect } from "node:util";
import {
  type HttpRedisCacheConfig,
  HttpRedisCacheProvider,
} from "../../cache/adapters/redis_http.ts";
import { failureOf, owedBy, Reports, within } from "../support/faulty_redis.ts";
import { freePort } from "../support/free_port.ts";
import {
  answer,
  type Fault,
  forwardThenAnswer,
  limitData,
  resetPeer,
  swallowReply,
  timeout,
} from "../support/http_faults.ts";
import { HttpProxy } from "../support/http_proxy.ts";
import { testNamespace } from "../support/redis.ts";
import { RedisRestBridge } from "../support/redis_rest_bridge.ts";
import { findService, serviceTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = serviceTest(await findService("redis"));

/** Short enough to wait for. */
const TIMEOUT_MS = 300;

/** For calls that get their answer, if on a busy machine. */
const patient = { timeoutMs: 10_000 };

const ALL = /./;

interface Context {
  readonly cache: HttpRedisCacheProvider;
  readonly proxy: HttpProxy;
  readonly reports: Reports;
}

/** Registers a test with a cache that reaches its server through a proxy and a bridge. */
function faultTest(
  name: string,
  fn: (context: Context) => Promise<void>,
  options: Partial<HttpRedisCacheConfig> = {},
): void {
  test(`redis over HTTP: ${name}`, async (redisUrl) => {
    const bridge = await RedisRestBridge.start(redisUrl);
    const proxy = await HttpProxy.start(bridge.url);
    const reports = new Reports();
    const cache = new HttpRedisCacheProvider({
      ...{ url: proxy.url, token: bridge.token, namespace: testNamespace(), observer: reports },
      ...{ readTimeoutMs: TIMEOUT_MS, timeoutMs: TIMEOUT_MS },
      ...options,
    });
    try {
      await fn({ cache, proxy, reports });
      assert.ok(!inspect(reports, { depth: 9 }).includes(bridge.token));
    } finally {
      await cache.close();
      await proxy[Symbol.asyncDispose]();
      await bridge[Symbol.asyncDispose]();
    }
  });
}

const HTML = "<html>Bad gateway</html>";

/** What can go wrong, the code of the error, and what is known about a write. */
const FAULTS: Readonly<Record<string, [fault: Fault, code: string, outcome: string]>> = {
  "a server that never answers": [timeout(), "timeout", "unknown"],
  "an answer that stops in the middle": [timeout(5), "timeout", "unknown"],
  "an answer that is cut in the middle": [limitData(5), "unavailable", "unknown"],
  "a connection that is reset": [resetPeer(), "unavailable", "unknown"],
  "an answer that is lost": [swallowReply(), "unavailable", "unknown"],
  "status 500": [answer(500, HTML), "unavailable", "unknown"],
  "status 503 for what was carried out": [forwardThenAnswer(503), "unavailable", "unknown"],
  "status 429": [answer(429, '{"error":"too many"}'), "overloaded", "not-applied"],
  "status 401": [answer(401, '{"error":"Unauthorized"}'), "unauthenticated", "not-applied"],
  "an answer that is no JSON": [answer(200, HTML), "unavailable", "unknown"],
  "an answer that is no reply": [answer(200, '{"ok":true}'), "unavailable", "unknown"],
};

for (const [what, [fault, code, outcome]] of Object.entries(FAULTS)) {
  const about = { ttlMs: 60_000, tags: ["t"], ...patient };

  faultTest(`${what} is a miss for reads, and costs no writer its answer`, async (context) => {
    const { cache, proxy, reports } = context;
    await cache.set("k", "old", about);
    proxy.on(ALL, fault);
    await within(TIMEOUT_MS, async () => assert.equal(await cache.get("k"), undefined));
    await within(TIMEOUT_MS, async () => assert.deepEqual(await cache.mget(["k"]), [undefined]));
    assert.deepEqual(reports.of("cache.unavailable").map((one) => one.code), [code, code]);
    assert.equal(await cache.getOrSet("k", () => "loaded", about), "loaded");
    const error = await within(TIMEOUT_MS, () => failureOf(cache.increment("n")));
    assert.deepEqual([error.code, error.outcome], [code, outcome]);
    proxy.heal();
    assert.equal(await cache.setNx("n2", 1, about), true);
  });

  faultTest(
    `what ${what} kept from being removed is removed later, and not read before`,
    async (context) => {
      const { cache, proxy } = context;
      await cache.mset([["set", "old"], ["delete", "old"], ["pattern", "old"]], about);
      await cache.set("tagged", "old", { ...about, tags: ["other"] });
      proxy.on(ALL, fault);
      await Promise.all([
        cache.set("set", "lost"),
        failureOf(cache.delete("delete")),
        failureOf(cache.deletePattern("patt*", { timeoutMs: TIMEOUT_MS })),
        failureOf(cache.invalidateTag("other")),
      ]);
      proxy.heal();
      const keys = ["set", "delete", "pattern", "tagged"];
      assert.ok((await cache.mget(keys)).every((value) => value !== "old"));
      await until("everything is carried out", async () => await owedBy(cache) === 0);
      assert.ok((await cache.mget(keys)).every((value) => value !== "old"));
    },
  );
}

faultTest("with whenUnavailable: error, reads reject too", async ({ cache, proxy }) => {
  proxy.on(ALL, answer(500));
  const { code, message } = await failureOf(cache.get("k"));
  assert.equal(code, "unavailable");
  assert.equal(message, "Cannot finish CacheProvider.get: the server answered with status 500");
}, { whenUnavailable: "error" });

faultTest(
  "a URL that leads to something else is an error also for reads",
  async ({ cache, proxy }) => {
    proxy.on(ALL, answer(404, HTML));
    const { code, message } = await failureOf(cache.get("k"));
    assert.equal(code, "internal");
    assert.equal(message, "Cannot finish CacheProvider.get: the server answered with status 404");
  },
);

faultTest("a signal ends the waiting at once", async ({ cache, proxy }) => {
  const gate = proxy.hold(ALL);
  const stop = new AbortController();
  const call = failureOf(cache.increment("n", 1, { signal: stop.signal, timeoutMs: 600_000 }));
  await gate.arrived;
  stop.abort();
  const { code, outcome } = await call;
  assert.deepEqual([code, outcome], ["aborted", "unknown"]);
  gate.release();
});

faultTest("close ends calls that wait for the server", async ({ cache, proxy }) => {
  const gate = proxy.hold(ALL);
  const call = failureOf(cache.increment("n", 1, { timeoutMs: 600_000 }));
  await gate.arrived;
  await cache.close();
  assert.equal((await call).code, "closed");
  gate.release();
});

faultTest("an idle connection that the server has closed costs no read", async (context) => {
  const { cache, proxy, reports } = context;
  await cache.set("k", 1, { ttlMs: 60_000 });
  for (let i = 0; i < 5; i++) {
    proxy.resetAll();
    assert.equal(await cache.get("k", patient), 1);
  }
  assert.deepEqual(reports.of("cache.unavailable"), []);
}, { timeoutMs: 10_000 });

test("redis over HTTP: a port that nobody listens at and a wrong token are told apart", async (url) => {
  const port = await freePort();
  const away = new HttpRedisCacheProvider({ url: `http://127.0.0.1:${port}`, token: "s3cr3t" });
  const unavailable = await failureOf(away.health());
  assert.deepEqual([unavailable.code, unavailable.retryable], ["unavailable", true]);
  assert.equal(await away.get("k"), undefined);
  await away.close();
  const bridge = await RedisRestBridge.start(url);
  const wrong = new HttpRedisCacheProvider({ url: bridge.url, token: "s3cr3t" });
  const refused = await failureOf(wrong.health());
  assert.deepEqual([refused.code, refused.outcome], ["unauthenticated", "not-applied"]);
  assert.ok(![unavailable, refused].some((error) => inspect(error).includes("s3cr3t")));
  await wrong.close();
  await bridge[Symbol.asyncDispose]();
});
