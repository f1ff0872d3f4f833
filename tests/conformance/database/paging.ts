import assert from "node:assert/strict";
import type { Page } from "../../../core/page.ts";
import { CursorCodec } from "../../../database/cursor.ts";
import type { Database } from "../../../database/database.ts";
import { readPage } from "../../../database/keyset.ts";
import { type DatabaseTest, rejects } from "./harness.ts";

/** Positions in lists. */
export function testPaging(test: DatabaseTest): void {
  test("positions of a list keep microseconds, and ties are told apart by the last key", async ({ pool }) => {
    await createUsers(pool, [
      ...["00:00:00.000001", "00:00:00.000002", "00:00:00.000002", "00:00:00.000003"],
      ...["00:00:00.0009999", "00:00:00.001", "00:00:00.001001"],
    ]);
    for (const descending of [false, true]) {
      const found = await readAll(pool, descending, 1);
      const expected = ["id-0", "id-1", "id-2", "id-3", "id-4", "id-5", "id-6"];
      assert.deepEqual(found, descending ? expected.reverse() : expected);
    }
  });

  test("a cursor of another list, order or filter is refused", async ({ pool }) => {
    await createUsers(pool, ["00:00:01", "00:00:02"]);
    const codec = new CursorCodec(pool);
    const cursor = await codec.encode({ list: "users", role: "admin" }, ["1", "a"]);
    assert.deepEqual(await codec.decode({ list: "users", role: "admin" }, cursor), ["1", "a"]);
    const changed = `${cursor.slice(0, -2)}AA`;
    const others: [unknown, string][] = [
      [{ list: "users" }, cursor],
      [{ list: "users", role: "admin" }, changed],
      [{ list: "users", role: "admin" }, "x"],
    ];
    for (const [list, text] of others) {
      await rejects(codec.decode(list, text), { code: "invalid_input", field: "cursor" });
    }
  });
}

/** Only what the list below needs of the real tables; the rows are `id-0`, `id-1`, … */
async function createUsers(database: Database, times: readonly string[]): Promise<void> {
  for (const table of ["users", "cursor_key"]) {
    await database.execute(`drop table if exists ${table}`);
  }
  await database.execute("create table cursor_key (key text)");
  await database.execute("insert into cursor_key (key) values ('a key')");
  await database.execute("create table users (id text primary key, created_at timestamptz)");
  await database.execute(
    `insert into users select 'id-' || i - 1, ('2026-01-01 ' || time || '+00')::timestamptz
      from unnest($1::text[]) with ordinality as t (time, i)`,
    [times],
  );
}

async function readAll(database: Database, descending: boolean, limit: number): Promise<string[]> {
  const cursors = new CursorCodec(database);
  const list = {
    operation: "list users",
    columns: { id: "text" },
    identity: { list: "users", descending },
    query: database.query.selectFrom("users").select("id"),
    sort: [
      { column: "users.created_at", type: "timestamptz" },
      { column: "users.id", type: "text" },
    ],
    descending,
  } as const;
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<{ id: string }> = await readPage(database, cursors, list, {
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    found.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}
