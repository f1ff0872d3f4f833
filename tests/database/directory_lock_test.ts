import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { lockDirectory } from "../../database/directory_lock.ts";
import { test } from "../support/permitted.ts";
import { runCommand } from "../support/run_command.ts";
import { Script } from "../support/spawn_script.ts";

test("a folder is locked until it is given back, which is idempotent", () =>
  inFolder(async (folder) => {
    const unlock = await lockDirectory(folder);
    assert.equal((await readdir(folder)).length, 1);
    await unlock();
    await unlock();
    assert.deepEqual(await readdir(folder), []);
    await (await lockDirectory(folder))();
  }));

test("the same process cannot lock a folder twice", () =>
  inFolder(async (folder) => {
    const unlock = await lockDirectory(folder);
    await assert.rejects(lockDirectory(folder), inUse(process.pid));
    await assert.rejects(lockDirectory(folder), inUse(process.pid));
    await unlock();
    await (await lockDirectory(folder))();
  }));

test("a second process is refused with the id of the first, until that gives it back", () =>
  inFolder(async (folder) => {
    const unlock = await lockDirectory(folder);
    const second = new Script("lock_directory.ts", [folder]);
    assert.match(await second.line(), new RegExp(`in use by process ${process.pid};`));
    await second.finish();
    await unlock();
    const third = new Script("lock_directory.ts", [folder]);
    assert.equal(await third.line(), "locked");
    await assert.rejects(lockDirectory(folder), inUse(third.pid));
    await third.finish();
    await (await lockDirectory(folder))();
  }));

test("what a killed process had is taken over", () =>
  inFolder(async (folder) => {
    const owner = new Script("lock_directory.ts", [folder]);
    assert.equal(await owner.line(), "locked");
    await owner.kill();
    assert.equal((await readdir(folder)).length, 1);
    const unlock = await lockDirectory(folder);
    await unlock();
    assert.deepEqual(await readdir(folder), []);
  }));

test("of processes that want what a dead one had, at the same time, only one gets it", () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, claimOf(2 ** 30)), "");
    const scripts = Array.from({ length: 3 }, () => new Script("lock_directory.ts", [folder]));
    const said = await Promise.all(scripts.map((script) => script.line()));
    const owners = said.filter((line) => line === "locked");
    assert.equal(owners.length, 1, said.join("\n"));
    await Promise.all(scripts.map((script) => script.finish()));
  }));

test("of many calls at the same time in one process at most one gets the folder", () =>
  inFolder(async (folder) => {
    for (let round = 0; round < 5; round++) {
      await writeFile(join(folder, claimOf(2 ** 30 + round)), "");
      const results = await Promise.allSettled(
        Array.from({ length: 4 }, () => lockDirectory(folder)),
      );
      const locks = results.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
      assert.ok(locks.length <= 1, `${locks.length} have it`);
      await Promise.all(locks.map((unlock) => unlock()));
    }
  }));

test("a claim with the id of this process from another start is one of a dead process", () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, claimOf(process.pid, Date.now() - 3_600_000)), "");
    await (await lockDirectory(folder))();
    assert.deepEqual(await readdir(folder), []);
  }));

test("a claim that was being written when its process died does no harm", () =>
  inFolder(async (folder) => {
    // The name says everything; there is no content that could be missing.
    await writeFile(join(folder, claimOf(2 ** 30)), "");
    await (await lockDirectory(folder))();
  }));

test("a process of somebody else is alive, although it cannot be asked", () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, claimOf(1)), "");
    await assert.rejects(lockDirectory(folder), inUse(1));
    assert.deepEqual(await readdir(folder), [claimOf(1)]);
  }));

test("on Deno, without the permission to ask, a living process is not taken for a dead one", {
  skip: !("Deno" in globalThis),
}, () =>
  inFolder(async (folder) => {
    const unlock = await lockDirectory(folder);
    const fixture = fileURLToPath(
      new URL("../support/fixtures/lock_directory.ts", import.meta.url),
    );
    const permissions = ["--no-prompt", `--allow-read=${folder}`, `--allow-write=${folder}`];
    const { output } = await runCommand(
      process.execPath,
      ["run", "--no-check", ...permissions, fixture, folder],
    );
    assert.match(output, new RegExp(`in use by process ${process.pid};`));
    await unlock();
  }));

test("other files in the folder are left alone", () =>
  inFolder(async (folder) => {
    const others = ["exchange.lock", "exchange-1.lock", "exchange-x-1-2.lock", "postgres"];
    for (const name of others) await writeFile(join(folder, name), "");
    await (await lockDirectory(folder))();
    assert.deepEqual((await readdir(folder)).sort(), others.sort());
  }));

test("a claim can be read by its owner only", () =>
  inFolder(async (folder) => {
    const unlock = await lockDirectory(folder);
    const [name] = await readdir(folder);
    if (process.platform !== "win32") {
      assert.equal((await stat(join(folder, name!))).mode & 0o777, 0o600);
    }
    await unlock();
  }));

test("a folder that does not exist is an error, and nothing is created", async () => {
  await assert.rejects(lockDirectory(join(tmpdir(), crypto.randomUUID())), { code: "ENOENT" });
});

function claimOf(processId: number, startedAtMs = 1_700_000_000_000): string {
  return `exchange-${processId}-${startedAtMs}-00000000-0000-4000-8000-000000000000.lock`;
}

function inUse(processId: number): (error: unknown) => boolean {
  return (error) => {
    const { code, message } = error as Error & { code: string };
    assert.equal(code, "conflict");
    assert.match(
      message,
      new RegExp(`^Cannot open database: .* is in use by process ${processId};`),
    );
    return true;
  };
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "exchange-lock-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
