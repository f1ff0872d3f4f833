import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { BUSYBOX_FOLDER, openBusybox, shell } from "./busybox.ts";
import { type DebianContainer, openContainer, stopLeftContainers } from "./debian_container.ts";
import { leftFolders, withOwnRun } from "./own_run.ts";
import { privateServerTest } from "./services.ts";
import { Script } from "./spawn_script.ts";
import { until } from "./until.ts";

const test = privateServerTest("s3");

test("a program sees the folder of its container, and of all processes only its own", async () => {
  await withContainer(async (container) => {
    await writeFile(join(container.folder, "in"), "it's here");
    const processes = `ls /proc | grep '^[0-9]' | wc -l`;
    await container.run(...shell(`cd ${BUSYBOX_FOLDER}; cat in >out; ${processes} >processes`));
    assert.equal(await readFile(join(container.folder, "out"), "utf8"), "it's here");
    assert.ok(Number(await readFile(join(container.folder, "processes"), "utf8")) < 10);
    assert.ok(!(await readFile("/proc/self/mounts", "utf8")).includes(container.folder));
  });
});

test("arguments reach a program as they are, and nothing of the environment does", async () => {
  process.env["EXCHANGE_TESTS_OURS"] = "1";
  await withContainer(async (container) => {
    const args = ["it's", "$HOME `id`", "", 'a "b"\n\\c'];
    await container.run(...shell(`printf '%s|' "$@"; env`), "sh", ...args);
    const log = await container.log();
    assert.ok(log.startsWith(args.map((arg) => `${arg}|`).join("")), log);
    assert.ok(!log.includes("EXCHANGE_TESTS_OURS"));
  });
  delete process.env["EXCHANGE_TESTS_OURS"];
});

test("containers of the same programs run at the same time, each with its own folder", async () => {
  await withContainer(async (one) => {
    await withContainer(async (other) => {
      await one.run(...shell(`echo one >${BUSYBOX_FOLDER}/file`));
      await other.run(...shell(`echo other >${BUSYBOX_FOLDER}/file`));
      await one.run(...shell(`cat ${BUSYBOX_FOLDER}/file`));
      assert.equal(await one.log(), "one\n");
    });
  });
});

test("a program that fails is an error with what it said", async () => {
  await withContainer(async (container) => {
    await assert.rejects(
      container.run(...shell("echo about; echo the reason >&2; exit 3")),
      /Cannot run \/bin\/busybox: it ended with 3\nabout\nthe reason\n/,
    );
    await assert.rejects(container.run("/bin/missing"), /it ended with 127\n[^]*\/bin\/missing/);
  });
});

test("a program can be stopped, go on, and be killed while it is stopped", async () => {
  await withContainer(async (container) => {
    const program = await container.start(...shell("while :; do echo line; sleep 0.01; done"));
    const lines = async (): Promise<number> => (await container.log()).length;
    const goesOn = async (): Promise<void> => {
      const before = await lines();
      await until("it goes on", async () => await lines() > before);
    };
    await goesOn();
    await program.signal("STOP");
    const before = await lines();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(await lines(), before);
    await program.signal("CONT");
    await goesOn();
    await program.signal("STOP");
    await program.signal("KILL");
    assert.equal(await program.ended, 128 + 9);
  });
});

test("a container that is closed ends what runs in it and deletes its folder; again is fine", async () => {
  const marker = crypto.randomUUID();
  const container = await openBusybox();
  const { ended, signal } = await container.start(...shell(`sleep 1000 & sleep 1000; : ${marker}`));
  await until("it runs", () => isRunning(marker));
  await signal("STOP");
  await container[Symbol.asyncDispose]();
  assert.equal(await ended, 128 + 9);
  assert.ok(!await isRunning(marker));
  assert.ok(!existsSync(container.folder));
  await container[Symbol.asyncDispose]();
  await assert.rejects(container.run(...shell("true")));
});

test("a container that cannot be opened is an error that says why, and leaves no folder", async () => {
  await withOwnRun(stopLeftContainers, async (run) => {
    const options = { root: join(tmpdir(), run), mountPoint: BUSYBOX_FOLDER };
    await assert.rejects(openContainer(options), /Cannot open a container\n.*mount/);
    assert.deepEqual(await leftFolders(run), []);
  });
});

test("a container that a killed program left has ended by itself; its folder is deleted", async () => {
  await withOwnRun(stopLeftContainers, async (run) => {
    const marker = crypto.randomUUID();
    const script = new Script("abandoned_container.ts", [marker]);
    const folder = await script.line();
    await until("it runs", () => isRunning(marker));
    await script.kill();
    await until("its programs have ended", async () => !await isRunning(marker));
    await stopLeftContainers("another");
    assert.ok(existsSync(folder));
    await stopLeftContainers(run);
    assert.deepEqual(await leftFolders(run), []);
  });
});

test("a container whose owner still runs ends with its run", async () => {
  await withOwnRun(stopLeftContainers, async (run) => {
    const marker = crypto.randomUUID();
    await withContainer(async (container) => {
      const { ended, signal } = await container.start(...shell(`sleep 1000; : ${marker}`));
      await until("it runs", () => isRunning(marker));
      await signal("STOP");
      await stopLeftContainers(run);
      assert.equal(await ended, 128 + 9);
      assert.ok(!await isRunning(marker));
      assert.deepEqual(await leftFolders(run), []);
    });
  });
});

test("a program that ends without closing its container leaves nothing behind", async () => {
  await withOwnRun(stopLeftContainers, async (run) => {
    const marker = crypto.randomUUID();
    const script = new Script("abandoned_container.ts", [marker]);
    await script.line();
    await until("it runs", () => isRunning(marker));
    assert.equal((await leftFolders(run)).length, 1);
    await script.finish();
    assert.ok(!await isRunning(marker));
    assert.deepEqual(await leftFolders(run), []);
  });
});

/** Whether a process of this machine has the marker among its arguments, and not only as our script. */
async function isRunning(marker: string): Promise<boolean> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const files = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
  return (await Promise.all(files)).some((command) => command.includes(`sleep 1000; : ${marker}`));
}

async function withContainer(use: (container: DebianContainer) => Promise<void>): Promise<void> {
  const container = await openBusybox();
  try {
    await use(container);
  } finally {
    await container[Symbol.asyncDispose]();
  }
}
