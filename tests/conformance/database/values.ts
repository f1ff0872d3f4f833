import assert from "node:assert/strict";
import { type DatabaseTest, type PoolHarness, rejects } from "./harness.ts";

/** What values become on their way to the server and back. */
export function testValues(test: DatabaseTest, { capabilities }: PoolHarness): void {
  test("values arrive at the server unchanged", async ({ pool }) => {
    const text = "Ünïcödé 🎉 ' \" \\ $1 ; -- \n\t";
    const { rows } = await pool.execute(
      `select $1::integer::text = '42' as "integer", $2::float8 = -1.5e-300 as "float8",
        $3::text as "text", $4::boolean as "boolean", $5::text is null as "null",
        $6::timestamptz = '2026-11-22 22:27:00.123+00' as "timestamptz",
        encode($7::bytea, 'hex') as "bytea", array_to_string($8::text[], '|', 'NULL') as "array",
        $9::jsonb -> 'a' ->> 0 as "jsonb", $10::float8 = 'NaN' as "nan",
        $11::float8 = '-Infinity' as "infinity", $12::text is null as "undefined",
        $13::text = '' as "empty"`,
      [
        ...[42, -1.5e-300, text, true, null, new Date("2026-11-22T22:27:00.123Z")],
        ...[new Uint8Array([0, 1, 254, 255]), ['a"b', "c\\d", "e,f", "{}"], '{"a":["x"]}', NaN],
        ...[-Infinity, undefined, ""],
      ],
    );
    assert.deepEqual({ ...rows[0] }, {
      ...{ integer: true, float8: true, text, boolean: true, null: true, timestamptz: true },
      ...{ bytea: "0001feff", array: 'a"b|c\\d|e,f|{}', jsonb: "x", nan: true, infinity: true },
      ...{ undefined: true, empty: true },
    });
  });

  test("a column named __proto__ is a column like others", async ({ pool }) => {
    const { rows } = await pool.execute(
      `select 'mine' as "__proto__", 1 as "constructor", null as "toString"`,
    );
    const row = rows[0] ?? {};
    assert.deepEqual(Object.keys(row).sort(), ["__proto__", "constructor", "toString"]);
    assert.equal(Object.getOwnPropertyDescriptor(row, "__proto__")?.value, "mine");
    assert.equal(({} as Record<string, unknown>)["mine"], undefined);
    assert.equal(Object.getPrototypeOf({}), Object.prototype);
  });

  test("rowCount counts what was returned or changed", async ({ pool, table }) => {
    const count = async (sql: string, values: unknown[] = []): Promise<number> =>
      (await pool.execute(sql, values)).rowCount;
    assert.equal(await count(`insert into ${table} (id) select generate_series(1, 5)`), 5);
    assert.equal(await count(`select id from ${table} where id <= $1`, [3]), 3);
    assert.equal(await count(`update ${table} set label = 'x' where id <= $1`, [2]), 2);
    assert.equal(await count(`update ${table} set label = 'x' where id > $1`, [5]), 0);
    assert.equal(await count(`delete from ${table} where id > $1 returning id`, [4]), 1);
    assert.equal(await count(`select id from ${table} where id > 100`), 0);
  });

  test("65,535 parameters arrive, and one more is refused before anything is sent", async ({ pool, table }) => {
    const values = Array.from({ length: 65_535 }, (_, i) => i);
    const places = values.map((_, i) => `($${i + 1}::integer)`);
    const insert = (list: string): string => `insert into ${table} (id) values ${list}`;
    assert.equal((await pool.execute(insert(places.join()), values)).rowCount, 65_535);
    const more = insert([...places, "($65536::integer)"].join());
    const expected = { code: "invalid_input", outcome: "not-applied" };
    await rejects(pool.execute(more, [...values, -1]), expected);
    const inside = pool.transaction((transaction) => transaction.execute(more, [...values, -1]));
    await rejects(inside, expected);
  });

  if (!capabilities.typed) return;

  test("a value that cannot be sent is invalid input, and harms nothing", async ({ pool }) => {
    const circular: Record<string, unknown> = { secret: "canary" };
    circular["self"] = circular;
    for (let i = 0; i < 2; i++) {
      await rejects(pool.execute("select $1::jsonb", [circular]), {
        code: "invalid_input",
        outcome: "not-applied",
        retryable: false,
      });
    }
    assert.equal((await pool.execute("select $1::text as text", ["x"])).rows[0]?.["text"], "x");
  });

  test("values come back as the driver port says", async ({ pool }) => {
    const { rows } = await pool.execute(
      `select true as "bool", 1::int2 as "int2", '-2147483648'::int4 as "int4",
        9007199254740991::int8 as "int8", 0.5::float4 as "float4", 1.7976931348623157e308::float8 as "float8",
        'x'::text as "text", 'b0e4b9a4-0d4f-4c56-9c3c-0e4a1f1c3b2a'::uuid as "uuid",
        0.100000000000000000001::numeric as "numeric", 'NaN'::numeric as "nan", date '2026-11-22' as "date",
        timestamptz '2026-11-22 22:27:00.123456+00' as "timestamptz", '{"a":[1,null]}'::json as "json",
        '"x"'::jsonb as "jsonb", 'null'::jsonb as "json null", null::text as "null"`,
    );
    assert.deepEqual({ ...rows[0] }, {
      ...{ bool: true, int2: 1, int4: -2147483648, int8: 9007199254740991, float4: 0.5 },
      ...{ float8: 1.7976931348623157e308, text: "x" },
      ...{ uuid: "b0e4b9a4-0d4f-4c56-9c3c-0e4a1f1c3b2a", numeric: "0.100000000000000000001" },
      ...{ nan: "NaN", date: "2026-11-22", timestamptz: new Date("2026-11-22T22:27:00.123Z") },
      ...{ json: { a: [1, null] }, jsonb: "x", "json null": null, null: null },
    });
  });

  test("NaN, infinities and negative zero of float8 are those of JavaScript", async ({ pool }) => {
    const { rows } = await pool.execute(
      `select 'NaN'::float8 as a, 'Infinity'::float8 as b, '-Infinity'::float8 as c, '-0'::float8 as d,
        'Infinity'::float4 as e`,
    );
    assert.deepEqual({ ...rows[0] }, { a: NaN, b: Infinity, c: -Infinity, d: -0, e: Infinity });
  });

  test("bytea is bytes", async ({ pool }) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const { rows } = await pool.execute("select $1::bytea as bytes, ''::bytea as empty", [bytes]);
    const { bytes: found, empty } = rows[0] as Record<string, Uint8Array>;
    assert.ok(found instanceof Uint8Array && empty instanceof Uint8Array);
    assert.deepEqual([...found], [...bytes]);
    assert.equal(empty.length, 0);
  });

  test("arrays are arrays of the same values, with null and nested ones", async ({ pool }) => {
    const { rows } = await pool.execute(
      `select array['a', null, 'b,c', 'NULL', '"', '\\', '{}']::text[] as text, '{}'::text[] as empty,
        array[[1,2],[3,null]]::int4[] as nested, array[9007199254740991, null]::int8[] as int8,
        array['NaN', 0.5]::float8[] as float8, array[0.1, null]::numeric[] as numeric,
        array[date '2026-11-22', null] as date, array[true, false] as bool,
        array[timestamptz '2026-11-22 22:27:00+00', null] as timestamptz,
        array['{"a":1}', 'null']::jsonb[] as jsonb`,
    );
    assert.deepEqual({ ...rows[0] }, {
      text: ["a", null, "b,c", "NULL", '"', "\\", "{}"],
      ...{ empty: [], nested: [[1, 2], [3, null]], int8: [9007199254740991, null] },
      ...{ float8: [NaN, 0.5], numeric: ["0.1", null], date: ["2026-11-22", null] },
      ...{ bool: [true, false], timestamptz: [new Date("2026-11-22T22:27:00Z"), null] },
      jsonb: [{ a: 1 }, null],
    });
  });

  test("a timestamptz is read in every time zone, and is an invalid date where Date has no text", async ({ pool }) => {
    const zones = ["UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati"];
    await pool.transaction(async (transaction) => {
      for (const zone of zones) {
        await transaction.execute("select set_config('timezone', $1, true)", [zone]);
        const { rows } = await transaction.execute(
          `select timestamptz '2026-11-22 22:27:00.5+00' as usual, timestamptz '0001-01-02 00:00:00+00' as early,
            timestamptz 'infinity' as never, timestamptz '0044-03-15 00:00:00+00 BC' as caesar`,
        );
        const { usual, early, never, caesar } = rows[0] as Record<string, Date>;
        assert.equal(usual?.toISOString(), "2026-11-22T22:27:00.500Z", zone);
        assert.ok(never instanceof Date && Number.isNaN(never.getTime()));
        assert.ok(caesar instanceof Date && Number.isNaN(caesar.getTime()));
        assert.ok(early instanceof Date);
      }
    });
  });
}
