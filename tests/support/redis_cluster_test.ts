import assert from "node:assert/strict";
import process from "node:process";
import { startRedisCluster } from "./redis_cluster.ts";
import { privateServerTest } from "./services.ts";

const test = privateServerTest("redis");

test("each master of a cluster serves its slots and names the master of the others", async () => {
  const cluster = await startRedisCluster();
  const pids = cluster.nodes.map(({ pid }) => pid);
  try {
    // Their slots are 15495, 3300 and 7365.
    const owners = { a: 2, b: 0, c: 1 };
    for (const [key, owner] of Object.entries(owners)) {
      for (const [index, node] of cluster.nodes.entries()) {
        const reply = await node.command("SET", key, "value").catch((error) => error.message);
        const moved = `MOVED ${await node.command("CLUSTER", "KEYSLOT", key)} ` +
          new URL(cluster.urls[owner]!).host;
        assert.equal(reply, index === owner ? "OK" : moved);
      }
    }
  } finally {
    await cluster[Symbol.asyncDispose]();
  }
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

test("a cluster is ready again after one of its masters crashed and was started", async () => {
  const cluster = await startRedisCluster();
  try {
    const master = cluster.nodes[1]!;
    await master.stop("kill");
    await master.start();
    await cluster.untilReady();
    assert.equal(await master.command("SET", "c", "value"), "OK");
  } finally {
    await cluster[Symbol.asyncDispose]();
  }
});
