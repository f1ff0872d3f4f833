import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createPool } from "../../database/create_pool.ts";
import { PgliteDriver } from "../../database/drivers/pglite.ts";
import { databaseConformance } from "../conformance/database.ts";
import { test } from "../support/permitted.ts";

databaseConformance(test, {
  name: "pglite",
  capabilities: {
    concurrent: false,
    interruptible: false,
    typed: true,
    describesColumns: true,
    listens: true,
  },
  open: (options) => createPool({ embedded: {}, ...options }),
});

test("pglite: what a folder holds is there again, and only one pool has it at a time", async () => {
  const parent = await mkdtemp(join(tmpdir(), "exchange-pglite-"));
  const dataDir = join(parent, "new", "folder");
  try {
    const first = await createPool({ embedded: { dataDir } });
    await first.execute("create table kept (id integer)");
    await first.execute("insert into kept values (1)");
    await assert.rejects(createPool({ embedded: { dataDir } }), {
      code: "conflict",
      message: new RegExp(`is in use by process ${process.pid};`),
    });
    if (process.platform !== "win32") assert.equal((await stat(dataDir)).mode & 0o777, 0o700);
    await first.execute("begin");
    await first.execute("insert into kept values (2)");
    await first.close();
    assert.deepEqual(await readdir(dataDir), ["postgres"]);
    const second = await createPool({ embedded: { dataDir } });
    // The insert after `begin` had a connection of its own, so it was committed.
    const { rows } = await second.execute("select id from kept order by id");
    assert.deepEqual(rows.map(({ id }) => id), [1, 2]);
    await second.close();
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
});

test("pglite: a folder that cannot be one is a configuration error that names it", async () => {
  const parent = await mkdtemp(join(tmpdir(), "exchange-pglite-"));
  const file = join(parent, "file");
  try {
    await writeFile(file, "");
    await assert.rejects(createPool({ embedded: { dataDir: join(file, "data") } }), {
      code: "configuration_invalid",
      message: `Cannot open database: the folder ${join(file, "data")} cannot be used: ENOTDIR`,
    });
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
});

test("pglite: connections share one session, and none can disturb a later one", async () => {
  const driver = new PgliteDriver();
  const first = await driver.connect(() => {});
  await first.execute({ text: "begin", values: [] });
  assert.deepEqual([first.usable, first.reusable], [true, false]);
  await first.close();
  const second = await driver.connect(() => {});
  await second.execute({ text: "start transaction", values: [] });
  await second.execute({ text: "create table mine ()", values: [] });
  await first.close();
  assert.equal(second.reusable, false);
  await second.execute({ text: "commit", values: [] });
  assert.equal(second.reusable, true);
  await second.execute({ text: "select from mine", values: [] });
  for (const text of ["begin; select 1 / 0", "select 1 / 0"]) {
    const third = await driver.connect(() => {});
    await assert.rejects(third.execute({ text, values: [] }), { code: "22012" });
    assert.equal(third.reusable, false);
    await third.close();
  }
  assert.equal((await second.execute({ text: "select 1", values: [] })).command, "SELECT");
  await driver.close();
  await driver.close();
  assert.equal(second.usable, false);
});

test("pglite: a folder that cannot be opened is not left locked", async () => {
  const parent = await mkdtemp(join(tmpdir(), "exchange-pglite-"));
  try {
    await writeFile(join(parent, "postgres"), "not a folder");
    await assert.rejects(createPool({ embedded: { dataDir: parent } }));
    assert.deepEqual(await readdir(parent), ["postgres"]);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
});
