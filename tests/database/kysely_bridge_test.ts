import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import type { CallOptions } from "../../core/call_options.ts";
import type { DriverResult } from "../../database/driver.ts";
import { kyselyFor } from "../../database/kysely_bridge.ts";

test("a statement goes to the executor with its parameters, and rows and counts come back", async () => {
  const { query, calls } = open({ rows: [{ key: "a" }], rowCount: 7, command: "UPDATE" });
  const rows = await query.selectFrom("cursor_key").select("key").where("id", "=", true).execute();
  assert.deepEqual(rows, [{ key: "a" }]);
  const updated = await query.updateTable("cursor_key").set({ key: "b" }).executeTakeFirst();
  assert.equal(updated.numUpdatedRows, 7n);
  const raw = await sql`select ${1}`.execute(query);
  assert.equal(raw.rows.length, 1);
  assert.deepEqual(calls.map(({ text, values }) => [text, values]), [
    ['select "key" from "cursor_key" where "id" = $1', [true]],
    ['update "cursor_key" set "key" = $1', ["b"]],
    ["select $1", [1]],
  ]);
});

test("the signal of a statement reaches the executor", async () => {
  const { query, calls } = open();
  const { signal } = new AbortController();
  await query.selectFrom("cursor_key").select("key").execute({ signal });
  assert.ok(calls[0]?.options?.signal instanceof AbortSignal);
});

test("errors of the executor arrive unchanged", async () => {
  const mine = new Error("mine");
  const query = kyselyFor({ execute: () => Promise.reject(mine) });
  const call = query.selectFrom("cursor_key").selectAll().execute();
  await assert.rejects(call, (error) => error === mine);
});

test("transactions of its own are refused, and nothing is sent", async () => {
  const { query, calls } = open();
  const expected = {
    code: "unsupported",
    message: "Cannot begin transaction through the query builder: use transaction() of the pool",
  };
  await assert.rejects(query.transaction().execute(() => Promise.resolve()), expected);
  const serializable = query.transaction().setIsolationLevel("serializable");
  await assert.rejects(serializable.execute(() => Promise.resolve()), expected);
  await assert.rejects(query.startTransaction().execute(), expected);
  assert.deepEqual(calls, []);
});

test("streaming is refused", async () => {
  const { query } = open();
  const rows = query.selectFrom("cursor_key").selectAll().stream();
  await assert.rejects(rows.next(), {
    code: "unsupported",
    message: "Cannot stream rows through the query builder: page them by keyset",
  });
});

interface Call {
  readonly text: string;
  readonly values: readonly unknown[] | undefined;
  readonly options: CallOptions | undefined;
}

function open(
  result: DriverResult = { rows: [], rowCount: 0, command: "" },
): { query: ReturnType<typeof kyselyFor>; calls: Call[] } {
  const calls: Call[] = [];
  const query = kyselyFor({
    execute(text, values, options) {
      calls.push({ text, values, options });
      return Promise.resolve(result);
    },
  });
  return { query, calls };
}
