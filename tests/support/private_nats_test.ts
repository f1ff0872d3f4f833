import assert from "node:assert/strict";
import process from "node:process";
import { withNatsServer } from "./faulty_nats.ts";
import { withNats } from "./nats.ts";
import { leftFolders, withOwnRun } from "./own_run.ts";
import { startNats, stopLeftNats } from "./private_nats.ts";
import { isAlive } from "./process_signals.ts";
import { privateServerTest } from "./services.ts";
import { Script } from "./spawn_script.ts";
import { until } from "./until.ts";

const test = privateServerTest("nats");

test("a private server has JetStream and the settings asked for, and ends when disposed", async () => {
  let pid = 0;
  await withNatsServer({ lines: ["max_payload: 65536"] }, async (server) => {
    await withNats(server.url, async ({ nc, jsm }) => {
      assert.equal(nc.info?.max_payload, 65_536);
      assert.equal((await jsm.getAccountInfo()).streams, 0);
    });
    pid = server.pid;
  });
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

test("a server with a setting that it does not know is an error that says what is wrong", async () => {
  await withOwnRun(stopLeftNats, async (run) => {
    await assert.rejects(
      startNats({ lines: ["no_such_directive: 1"] }),
      /Cannot start NATS: it ended[^]*no_such_directive/,
    );
    assert.deepEqual(await leftFolders(run), []);
  });
});

test("a server without JetStream can be had, and one that asks for a password", async () => {
  await withNatsServer({ jetstream: false }, async (server) => {
    await assert.rejects(withNats(server.url, () => Promise.resolve()), /jetstream/);
  });
  await withNatsServer({ login: { user: "someone", password: `s3cr3t% "\\` } }, async (server) => {
    await withNats(server.url, ({ jsm }) => jsm.getAccountInfo());
    const stranger = server.url.replace("s3cr3t", "wrong");
    await assert.rejects(withNats(stranger, () => Promise.resolve()), /Authorization Violation/);
  });
});

for (const mode of ["graceful", "kill"] as const) {
  test(`a server keeps its port and its streams after stop("${mode}"), also when paused`, async () => {
    await withNatsServer({}, async (server) => {
      const { port, pid } = server;
      await withNats(server.url, ({ jsm }) => jsm.streams.add({ name: "s", subjects: ["s"] }));
      await server.pause();
      await server.stop(mode);
      assert.throws(() => server.pid, /the server is stopped/);
      await assert.rejects(withNats(server.url, () => Promise.resolve()), /ECONNREFUSED/);
      await server.start();
      assert.equal(server.port, port);
      assert.notEqual(server.pid, pid);
      await withNats(server.url, ({ jsm }) => jsm.streams.info("s"));
      await assert.rejects(server.start(), /Cannot start NATS: it is running/);
    });
  });
}

test("a server that a killed test file left running is stopped and deleted", async () => {
  await withOwnRun(stopLeftNats, async (run) => {
    await withNatsServer({}, async (server) => {
      const { pid } = server;
      await server.pause();
      await stopLeftNats("another");
      process.kill(pid, 0);
      await stopLeftNats(run);
      await until("the process has ended", () => !isAlive(pid));
      assert.deepEqual(await leftFolders(run), []);
    });
  });
});

test("a program that ends without stopping its server leaves nothing behind", async () => {
  await withOwnRun(stopLeftNats, async (run) => {
    const script = new Script("abandoned_nats.ts", []);
    const pid = Number(await script.line());
    assert.ok(isAlive(pid));
    assert.equal((await leftFolders(run)).length, 1);
    await script.finish();
    await until("the server has ended", () => !isAlive(pid));
    assert.deepEqual(await leftFolders(run), []);
  });
});
