import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { checkParameterCount, statement } from "../../database/statement.ts";

const readKey = statement(
  "read key",
  { id: "bool", key: "text" },
  (db, input: { id: boolean }) =>
    db.selectFrom("cursor_key").select(["id", "key"]).where("id", "=", input.id),
);

test("a statement is compiled once, at its first use", () => {
  let built = 0;
  const counted = statement("count", { one: "int4" }, (db, _input: object) => {
    built++;
    return db.selectNoFrom((eb) => eb.lit(1).as("one"));
  });
  assert.equal(built, 0);
  counted.toQuery({}, true);
  counted.toQuery({}, false);
  assert.equal(counted.text, 'select 1 as "one"');
  assert.equal(built, 1);
});

test("what the builder reads from the input becomes a parameter, with the value of each call", () => {
  assert.equal(readKey.text, 'select "id", "key" from "cursor_key" where "id" = $1');
  assert.deepEqual(readKey.toQuery({ id: true }, false).values, [true]);
  assert.deepEqual(readKey.toQuery({ id: false }, false).values, [false]);
});

test("constants of the builder stay, among the parameters", () => {
  const mixed = statement(
    "mixed",
    { key: "text" },
    (db, input: { a: string; b: string }) =>
      db.selectFrom("cursor_key").select("key")
        .where("key", "in", [input.b, "constant", input.a, input.b]),
  );
  assert.deepEqual(mixed.toQuery({ a: "A", b: "B" }, false).values, ["B", "constant", "A", "B"]);
});

test("a missing or undefined member is null", () => {
  const { values } = readKey.toQuery({ id: undefined as unknown as boolean }, false);
  assert.deepEqual(values, [null]);
  assert.deepEqual(readKey.toQuery({} as { id: boolean }, false).values, [null]);
});

test("falsy values are values", () => {
  for (const id of [false, 0, "", NaN] as boolean[]) {
    assert.deepEqual(readKey.toQuery({ id }, false).values, [id]);
  }
});

test("the name that the server gets depends on the text alone, and fits", () => {
  const twin = statement(
    "twin",
    { id: "bool", key: "text" },
    (db, input: { id: boolean }) =>
      db.selectFrom("cursor_key").select(["id", "key"]).where("id", "=", input.id),
  );
  const other = statement(
    "other",
    { key: "text" },
    (db, _: object) => db.selectFrom("cursor_key").select("key"),
  );
  const name = readKey.toQuery({ id: true }, true).name ?? "";
  assert.match(name, /^exchange_[0-9a-f]{24}$/);
  assert.equal(twin.toQuery({ id: false }, true).name, name);
  assert.notEqual(other.toQuery({}, true).name, name);
  assert.equal(readKey.toQuery({ id: true }, false).name, undefined);
});

test("a statement knows whether it writes", () => {
  const texts: [text: string, writes: boolean][] = [
    ["select updated_at, inserted, deleted from users", false],
    ["select 1", false],
    ["insert into users values (1)", true],
    ["with x as (INSERT INTO users values (1) returning id) select * from x", true],
    ["update users set a = 1", true],
    ["delete from users", true],
    ["merge into users using x on true when matched then delete", true],
    // Locks are lost with the connection, but nobody is harmed by caution.
    ["select 1 from users for update", true],
  ];
  for (const [text, writes] of texts) {
    const one = statement("x", {}, () => sql.raw(text) as never);
    assert.equal(one.writes, writes, text);
  }
});

test("values that a client returns as text become what the columns say", () => {
  const typed = statement(
    "typed",
    { n: "int8", m: "int8?", at: "timestamptz", text: "text" },
    () => sql`select 1` as never,
  );
  const time = new Date("2026-11-22T22:27:00.123Z");
  const rows = typed.toRows({
    rows: [
      { n: "12", m: null, at: "2026-11-22T22:27:00.123Z", text: "1" },
      { n: 12, m: "5", at: time, text: "x" },
      { n: 12n, m: 5n, at: time, text: "x" },
    ],
    rowCount: 3,
    command: "SELECT",
  });
  assert.deepEqual(rows, [
    { n: 12, m: null, at: time, text: "1" },
    { n: 12, m: 5, at: time, text: "x" },
    { n: 12, m: 5, at: time, text: "x" },
  ]);
});

test("more parameters than the protocol can count are refused", () => {
  const query = (count: number) => ({ text: "", values: Array.from({ length: count }) });
  checkParameterCount(query(65_535), "load user");
  assert.throws(() => checkParameterCount(query(65_536), "load user"), {
    ...{ code: "invalid_input", operation: "load user" },
    message: "Cannot load user: a statement has at most 65535 parameters, got 65536",
  });
});
