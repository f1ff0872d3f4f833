import { after } from "node:test";
import { HttpRedisCacheProvider } from "../../../cache/adapters/redis_http.ts";
import { cacheConformance } from "../../conformance/cache.ts";
import { lazily } from "../../support/lazily.ts";
import { testNamespace } from "../../support/redis.ts";
import { RedisRestBridge } from "../../support/redis_rest_bridge.ts";
import { findService, serviceTest } from "../../support/services.ts";

const service = await findService("redis");
const redisTest = serviceTest(service);
const bridge = lazily(() => RedisRestBridge.start("url" in service ? service.url : ""));
if ("url" in service) after(async () => (await bridge())[Symbol.asyncDispose]());
const namespace = testNamespace();

// A slow machine must not turn a read into a miss here; that is for the tests of faults.
const patient = { readTimeoutMs: 10_000, timeoutMs: 10_000 };

cacheConformance(redisTest, {
  name: "redis over HTTP",
  capabilities: { shared: true, atomicMany: false },
  open: async ({ space, observer }) => {
    const { url, token } = await bridge();
    const options = { namespace: `${namespace}.${space}`, observer, ...patient };
    return new HttpRedisCacheProvider({ url, token, ...options });
  },
  passTime: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});
