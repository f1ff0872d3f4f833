import assert from "node:assert/strict";
import type { ValueSchema } from "../../../cache/cache.ts";
import { TieredCacheProvider } from "../../../cache/tiered.ts";
import { withCache } from "../../support/faulty_redis.ts";
import { testNamespace } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";

const test = serviceTest(await findService("redis"));

/** A schema that takes what is of a type and says so. */
function typed(type: "string" | "number"): ValueSchema<unknown> {
  return {
    parse: (value) => {
      const found = typeof value;
      if (found !== type) throw new TypeError(`it is a ${found}, not a ${type}`);
      return `${type} ${value}`;
    },
  };
}

const SCHEMAS = { user: typed("string"), count: typed("number") };
const PATIENT = { readTimeoutMs: 10_000, timeoutMs: 10_000 };

test("a read without a schema of its own has that of the family of its key", (url) =>
  withCache(
    { url, namespace: testNamespace(), schemas: SCHEMAS, ...PATIENT },
    async ({ cache, reports }) => {
      await cache.mset([["user:1", "ada"], ["count:1", 5], ["other:1", 5], ["user", "bob"]]);
      const keys = ["user:1", "count:1", "other:1", "user"];
      const values = ["string ada", "number 5", 5, "string bob"];
      assert.deepEqual(await cache.mget(keys), values);
      assert.deepEqual(await Promise.all(keys.map((key) => cache.get(key))), values);
      const load = (): Promise<unknown> => cache.getOrSet("user:1", () => "new");
      assert.equal(await load(), "string ada");
      assert.equal(await cache.get("count:1", { schema: { parse: () => "own" } }), "own");
      await using tier = await TieredCacheProvider.connect({ store: cache });
      for (const round of [1, 2]) assert.equal(await tier.get("user:1"), "string ada", `${round}`);
      assert.equal(reports.of("cache.value_dropped").length, 0);
      await cache.deletePattern("*");
    },
  ));

test("a value that does not fit the schema of its family is removed and reported", (url) =>
  withCache(
    { url, namespace: testNamespace(), schemas: SCHEMAS, ...PATIENT },
    async ({ cache, reports }) => {
      await cache.set("user:1", 5);
      assert.equal(await cache.get("user:1"), undefined);
      assert.equal(await cache.exists("user:1"), false);
      assert.deepEqual(reports.of("cache.value_dropped"), [{ reason: "schema_mismatch" }]);
      assert.equal(await cache.getOrSet("user:1", () => "ada"), "string ada");
      await assert.rejects(cache.getOrSet("user:2", () => 5), { field: "loaded" });
      await cache.deletePattern("*");
    },
  ));
