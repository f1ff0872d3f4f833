import { RedisCacheProvider } from "../../../cache/adapters/redis.ts";
import { cacheConformance } from "../../conformance/cache.ts";
import { testNamespace } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";

const service = await findService("redis");
const url = "url" in service ? service.url : "";
const namespace = testNamespace();

// A slow machine must not turn a read into a miss here; that is for the tests of faults.
const patient = { readTimeoutMs: 10_000, timeoutMs: 10_000 };

cacheConformance(serviceTest(service), {
  name: "redis",
  capabilities: { shared: true, atomicMany: false },
  open: ({ space, observer }) =>
    RedisCacheProvider.connect({ url, namespace: `${namespace}.${space}`, observer, ...patient }),
  passTime: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});
