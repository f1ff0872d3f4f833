import assert from "node:assert/strict";
import * as fc from "fast-check";
import { createPool } from "../../database/create_pool.ts";
import { CursorCodec, type Position } from "../../database/cursor.ts";
import { DatabasePool } from "../../database/database_pool.ts";
import type { DriverResult } from "../../database/driver.ts";
import { sql as cursorKeyTable } from "../../database/migrations/0005_cursor_key.ts";
import { FakeDriver, settle } from "../support/fake_driver.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const pools: DatabasePool[] = [];
after(() => Promise.all(pools.map((pool) => pool.close())));

async function openPool(): Promise<DatabasePool> {
  const pool = await createPool({ embedded: {} });
  pools.push(pool);
  await pool.execute(cursorKeyTable);
  return pool;
}

const pool = await whenPermitted(openPool);
const cursors = new CursorCodec(pool);
const refused = { name: "ValidationError", code: "invalid_input", field: "cursor" };

const position = fc.array(
  fc.oneof(fc.string({ unit: "grapheme" }), fc.integer(), fc.constantFrom("\u2028", '"', "\\")),
);

test("a cursor gives back its position, whatever that is", async () => {
  await fc.assert(fc.asyncProperty(position, fc.jsonValue(), async (values, list) => {
    const cursor = await cursors.encode(list, values);
    assert.match(cursor, /^[\w-]+\.[\w-]+$/);
    assert.deepEqual(await cursors.decode(list, cursor), values);
  }));
});

test("a cursor of another list is refused", async () => {
  const list = ["users", { role: "admin" }, "newest"];
  const cursor = await cursors.encode(list, ["a"]);
  const others = [["users", {}, "newest"], ["users", { role: "admin" }], "users", null];
  for (const other of others) await assert.rejects(cursors.decode(other, cursor), refused);
});

test("a cursor that was changed anywhere is refused", async () => {
  const cursor = await cursors.encode("list", ["2026-01-01 00:00:00.000001+00", "an id"]);
  for (let i = 0; i < cursor.length; i++) {
    for (const character of ["A", "b", "_", ".", "=", " ", "é"]) {
      if (cursor[i] === character) continue;
      const changed = cursor.slice(0, i) + character + cursor.slice(i + 1);
      await assert.rejects(cursors.decode("list", changed), refused, changed);
    }
    await assert.rejects(cursors.decode("list", cursor.slice(0, i)), refused);
  }
  for (const end of ["A", "=", "==", ".", "\n", "\0"]) {
    await assert.rejects(cursors.decode("list", cursor + end), refused);
  }
});

test("a position that was signed for other values is refused", async () => {
  const [payload] = (await cursors.encode("list", ["b"])).split(".");
  const [, signature] = (await cursors.encode("list", ["a"])).split(".");
  await assert.rejects(cursors.decode("list", `${payload}.${signature}`), refused);
});

test("whatever is no cursor is refused", async () => {
  await fc.assert(fc.asyncProperty(fc.anything(), async (value) => {
    if (typeof value === "object" && value !== null) return;
    await assert.rejects(cursors.decode("list", value as string), refused);
  }));
});

test("a database takes the cursors of all its processes, and refuses those of another", async () => {
  const cursor = await cursors.encode("list", ["a"]);
  assert.deepEqual(await new CursorCodec(pool).decode("list", cursor), ["a"]);
  const other = await openPool();
  await assert.rejects(new CursorCodec(other).decode("list", cursor), refused);
});

test("a key that could not be read is read again", async () => {
  const codec = new CursorCodec(pool);
  const { rows } = await pool.execute("delete from cursor_key returning key");
  await assert.rejects(codec.encode("list", ["a"]), {
    name: "DatabaseError",
    code: "internal",
    message: "Cannot read cursor key: it is missing; run the migrations",
  });
  await pool.execute("insert into cursor_key (key) values ($1)", [rows[0]?.["key"]]);
  const values: Position = ["a", 1];
  assert.deepEqual(await codec.decode("list", await codec.encode("list", values)), values);
});

test("whoever waits for the key does so by a deadline and a signal of its own", async () => {
  const driver = new FakeDriver();
  let answer = (_: DriverResult): void => {};
  driver.answer = () => new Promise((resolve) => answer = resolve);
  const codec = new CursorCodec(new DatabasePool(driver));
  const hasty = codec.encode("list", ["a"], { timeoutMs: 20 });
  await assert.rejects(hasty, { code: "timeout", operation: "read cursor key" });
  const signal = AbortSignal.abort();
  await assert.rejects(codec.decode("list", "a.b", { signal }), { code: "aborted" });
  const patient = codec.encode("list", ["a"]);
  await settle();
  answer({ rows: [{ key: "a key" }], rowCount: 1, command: "SELECT" });
  assert.match(await patient, /^[\w-]+\.[\w-]+$/);
});
