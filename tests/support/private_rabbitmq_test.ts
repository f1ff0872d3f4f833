import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { leftFolders, withOwnRun } from "./own_run.ts";
import { startRabbitMq, stopLeftRabbitMq } from "./private_rabbitmq.ts";
import { isAlive } from "./process_signals.ts";
import { probeRabbitMq, withRabbitMq } from "./rabbitmq.ts";
import { privateServerTest } from "./services.ts";
import { Script } from "./spawn_script.ts";
import { until } from "./until.ts";

const test = privateServerTest("rabbitmq");

test("a private server does what it is told to, keeps its data, and leaves nothing behind", async () => {
  await withOwnRun(stopLeftRabbitMq, async (run) => {
    const server = await startRabbitMq();
    try {
      await withRabbitMq(server.url, async (client) => {
        const channel = await client.createConfirmChannel();
        await channel.assertQueue("kept");
        channel.sendToQueue("kept", Buffer.from("message"), { persistent: true });
        await channel.waitForConfirms();
      });
      assert.match(await server.control("list_queues", "name"), /kept/);
      server.pause();
      const answer = probeRabbitMq(server.url);
      const silence = new Promise((resolve) => setTimeout(() => resolve("silent"), 200));
      assert.equal(await Promise.race([answer, silence]), "silent");
      server.resume();
      await answer;
      await assert.rejects(server.start(), /it is running/);
      // A crash comes last: in the first moments of a queue, this server does not survive one.
      for (const mode of ["graceful", "kill"] as const) {
        await server.stop(mode);
        await assert.rejects(probeRabbitMq(server.url), /ECONNREFUSED/);
        await server.start();
        const { messageCount } = await withRabbitMq(
          server.url,
          async (client) => await (await client.createChannel()).checkQueue("kept"),
        );
        assert.equal(messageCount, 1);
      }
    } finally {
      const { pids } = server;
      await server[Symbol.asyncDispose]();
      await until("its processes have ended", () => !pids.some(isAlive));
    }
    assert.deepEqual(await leftFolders(run), []);
  });
});

test("a server that a killed test file left running is stopped and deleted", async () => {
  await withOwnRun(stopLeftRabbitMq, async (run) => {
    const server = await startRabbitMq();
    const { pids } = server;
    assert.equal(pids.length, 2);
    await stopLeftRabbitMq("another");
    assert.ok(pids.every(isAlive));
    await stopLeftRabbitMq(run);
    await until("its processes have ended", () => !pids.some(isAlive));
    assert.deepEqual(await leftFolders(run), []);
    await server[Symbol.asyncDispose]();
  });
});

test("a program that ends without stopping its server leaves nothing behind", async () => {
  await withOwnRun(stopLeftRabbitMq, async (run) => {
    const script = new Script("abandoned_rabbitmq.ts", []);
    const pids = (await script.line()).split(" ").map(Number);
    assert.ok(pids.length === 2 && pids.every(isAlive));
    await script.finish();
    await until("its processes have ended", () => !pids.some(isAlive));
    assert.deepEqual(await leftFolders(run), []);
  });
});
