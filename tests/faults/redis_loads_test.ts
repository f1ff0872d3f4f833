import assert from "node:assert/strict";
import { failureOf, withCache, within, withServer } from "../support/faulty_redis.ts";
import { privateServerTest } from "../support/services.ts";

const test = privateServerTest("redis");

const OPTIONS = { readTimeoutMs: 250, timeoutMs: 500 };

test("without the server only so many loaders run at once, and each caller gets its own value", () =>
  withServer(
    {},
    (server) =>
      withCache({ ...OPTIONS, url: server.url, maxConcurrentLoads: 4 }, async ({ cache }) => {
        await server.stop("kill");
        let running = 0;
        let most = 0;
        const load = async (i: number): Promise<number> => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 5));
          running--;
          return i;
        };
        const calls = Array.from(
          { length: 40 },
          (_, i) => cache.getOrSet(`key-${i}`, () => load(i)),
        );
        assert.deepEqual(
          await Promise.all(calls),
          Array.from({ length: 40 }, (_, i) => i),
        );
        assert.equal(most, 4);
      }),
  ));

test("a call settles by its deadline, however much of it the server took", () =>
  withServer(
    {},
    (server) =>
      withCache({ ...OPTIONS, url: server.url }, async ({ cache }) => {
        server.pause();
        const startMs = performance.now();
        const never = (): Promise<never> => new Promise(() => {});
        const failure = await failureOf(cache.getOrSet("key", never, { timeoutMs: 400 }));
        const tookMs = performance.now() - startMs;
        assert.equal(failure.code, "timeout");
        assert.match(failure.message, /within 400 ms/);
        assert.ok(tookMs < 550, `it took ${tookMs} ms`);
      }),
  ));

test("without the server a load that asks for another key does not wait for itself", () =>
  withServer(
    {},
    (server) =>
      withCache({ ...OPTIONS, url: server.url, maxConcurrentLoads: 2 }, async ({ cache }) => {
        await server.stop("kill");
        const outer = (i: number): Promise<number> =>
          cache.getOrSet(`outer-${i}`, async () => {
            return await cache.getOrSet(`inner-${i}`, () => cache.getOrSet(`core-${i}`, () => i)) +
              1;
          });
        const calls = Array.from({ length: 10 }, (_, i) => outer(i));
        const sums = await within(3_000, () => Promise.all(calls));
        assert.deepEqual(sums, Array.from({ length: 10 }, (_, i) => i + 1));
      }),
  ));

test("a caller that leaves the line of loaders does not run its loader", () =>
  withServer(
    {},
    (server) =>
      withCache({ ...OPTIONS, url: server.url, maxConcurrentLoads: 1 }, async ({ cache }) => {
        await server.stop("kill");
        let finish = (_: number): void => {};
        const first = cache.getOrSet("a", () => new Promise<number>((resolve) => finish = resolve));
        await new Promise((resolve) => setTimeout(resolve, 50));
        const never = (): number => assert.fail("it must not load");
        assert.equal(
          (await failureOf(cache.getOrSet("b", never, { timeoutMs: 100 }))).code,
          "timeout",
        );
        finish(1);
        assert.equal(await first, 1);
        assert.equal(await cache.getOrSet("c", () => 3), 3);
      }),
  ));

test("a cache whose server dies during a load returns what was loaded", () =>
  withServer(
    {},
    (server) =>
      withCache({ ...OPTIONS, url: server.url }, async ({ cache, reports }) => {
        const load = async (): Promise<number> => {
          await server.stop("kill");
          return 1;
        };
        assert.equal(await within(1_000, () => cache.getOrSet("a", load)), 1);
        assert.deepEqual(reports.dropped, ["unavailable"]);
      }),
  ));
