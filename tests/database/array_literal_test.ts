import assert from "node:assert/strict";
import * as fc from "fast-check";
import { type ArrayElement, arrayLiteral } from "../../database/array_literal.ts";
import { createPool } from "../../database/create_pool.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const pool = await whenPermitted(() => createPool({ embedded: {} }));
after(() => pool.close());

/** What the server reads in a literal. */
async function roundTrip(type: string, values: readonly ArrayElement[]): Promise<unknown> {
  const { rows } = await pool.execute(`select to_jsonb($1::text::${type}[]) as values`, [
    arrayLiteral(values),
  ]);
  return rows[0]?.["values"];
}

/** Text with many of the characters that mean something in a literal, and none that the server refuses. */
const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom('"', "\\", "{", "}", ",", " ", "\n", "N", "U", "L", "'", "é"),
  }),
  fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0")),
);

const nothing = fc.constantFrom(null, undefined);

/** `undefined` is stored as `null`. */
function stored(values: readonly ArrayElement[]): unknown[] {
  return values.map((value) => value ?? null);
}

test("the server reads every text of a literal as it was", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(text, nothing)), async (values) => {
      assert.deepEqual(await roundTrip("text", values), stored(values));
    }),
  );
});

test("the server reads every number of a literal with all its digits", async () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(number, nothing)), async (values) => {
      assert.deepEqual(await roundTrip("float8", values), stored(values));
    }),
  );
});

test("the server reads NaN and the infinities of a literal", async () => {
  const { rows } = await pool.execute("select array_to_string($1::text::float8[], ' ') as text", [
    arrayLiteral([NaN, Infinity, -Infinity]),
  ]);
  assert.equal(rows[0]?.["text"], "NaN Infinity -Infinity");
});

test("the server reads the booleans of a literal", async () => {
  assert.deepEqual(await roundTrip("bool", [true, null, false]), [true, null, false]);
});

test("a literal can hold literals of different lengths", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(text)), async (rows) => {
      const result = await pool.execute(
        "select to_jsonb(tags::text[]) as tags from unnest($1::text::text[]) with ordinality as r (tags, i) order by i",
        [arrayLiteral(rows.map(arrayLiteral))],
      );
      assert.deepEqual(result.rows.map(({ tags }) => tags), rows);
    }),
  );
});

test("the words NULL and {} are text, and no text is an empty array", () => {
  assert.equal(arrayLiteral(["NULL", "{}", ""]), '{"NULL","{}",""}');
  assert.equal(arrayLiteral([]), "{}");
});
