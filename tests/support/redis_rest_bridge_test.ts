import assert from "node:assert/strict";
import { testNamespace } from "./redis.ts";
import { RedisRestBridge } from "./redis_rest_bridge.ts";
import { findService, serviceTest } from "./services.ts";

const test = serviceTest(await findService("redis"));

interface Exchange {
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

type Post = (body: unknown, exchange?: Exchange) => Promise<unknown>;

/** Registers a test with a bridge, a key, and a way to post to it, which resolves with status and body. */
function bridgeTest(name: string, fn: (post: Post, key: string) => Promise<void>): void {
  test(`redis: ${name}`, async (redisUrl) => {
    const bridge = await RedisRestBridge.start(redisUrl);
    const post: Post = async (body, { path = "", headers } = {}) => {
      const authorization = `Bearer ${bridge.token}`;
      const init = { method: "POST", headers: { authorization, ...headers } };
      const response = await fetch(bridge.url + path, { ...init, body: JSON.stringify(body) });
      return [response.status, await response.json()];
    };
    const key = `${testNamespace()}:k`;
    try {
      await fn(post, key);
    } finally {
      await post(["UNLINK", key]);
      await bridge[Symbol.asyncDispose]();
    }
  });
}

bridgeTest("the bridge answers a command with its result", async (post, key) => {
  assert.deepEqual(await post(["SET", key, "grün", "PX", 60_000]), [200, { result: "OK" }]);
  assert.deepEqual(await post(["MGET", key, "-"]), [200, { result: ["grün", null] }]);
  assert.deepEqual(await post(["STRLEN", key]), [200, { result: 5 }]);
});

bridgeTest("texts are base64 where that is asked for, but OK", async (post, key) => {
  const headers = { "upstash-encoding": "base64" };
  assert.deepEqual(await post(["SET", key, "grün"], { headers }), [200, { result: "OK" }]);
  assert.deepEqual(await post(["GET", key], { headers }), [200, { result: "Z3LDvG4=" }]);
  assert.deepEqual(await post(["PING"], { headers }), [200, { result: "UE9ORw==" }]);
});

bridgeTest(
  "a pipeline has an answer for each command, also for those that fail",
  async (post, key) => {
    const commands = [["SET", key, "x"], ["LPUSH", key, "y"], ["GET", key]];
    const [status, answers] = await post(commands, { path: "/pipeline" }) as [number, unknown[]];
    assert.equal(status, 200);
    assert.deepEqual([answers[0], answers[2]], [{ result: "OK" }, { result: "x" }]);
    assert.match((answers[1] as { error: string }).error, /^WRONGTYPE /);
  },
);

bridgeTest("an error reply has status 400, and a wrong token 401", async (post) => {
  const [status, answer] = await post(["NOSUCH"]) as [number, { error: string }];
  assert.equal(status, 400);
  assert.match(answer.error, /^ERR unknown command/);
  const headers = { authorization: "Bearer another" };
  assert.deepEqual(await post(["PING"], { headers }), [401, { error: "Unauthorized" }]);
});
