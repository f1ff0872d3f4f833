import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { CopyRows } from "../../database/copy_rows.ts";
import { PgDriver } from "../../database/drivers/pg.ts";
import { findService, serviceTest } from "../support/services.ts";

const serverTest = serviceTest(await findService("postgres"));

test("rows are written as the manual of the server describes them", () => {
  const rows = new CopyRows();
  rows.row(2);
  rows.int4(258);
  rows.text("é");
  rows.row(2);
  rows.bool(true);
  rows.float8(undefined);
  assert.equal(
    Buffer.from(rows.end()).toString("hex"),
    "5047434f50590aff0d0a00" + "00000000" + "00000000" +
      "0002" + "00000004" + "00000102" + "00000002" + "c3a9" +
      "0002" + "00000001" + "01" + "ffffffff" +
      "ffff",
  );
});

serverTest("the server reads what was written, whatever its length", async (url) => {
  const connection = await new PgDriver({ url }).connect(() => {});
  try {
    await connection.execute({
      text: "create temp table copied (id uuid, n integer, x float8, ok boolean, t text)",
      values: [],
    });
    const texts = ["", "a", "größer \u{1F600}", "z".repeat(65_536), "é".repeat(200_000), undefined];
    const numbers = [0, -0, 5e-324, -Number.MAX_VALUE, 0.1, undefined];
    const rows = new CopyRows();
    texts.forEach((text, index) => {
      rows.row(5);
      rows.uuid(Buffer.from("0123456789abcdef0123456789abcdef", "hex"));
      rows.int4(index - 3);
      rows.float8(numbers[index]);
      rows.bool([true, false, undefined][index % 3]);
      rows.text(text);
    });
    const text = "copy copied from stdin (format binary)";
    const { rowCount, command } = await connection.execute({ text, values: [], rows: rows.end() });
    assert.deepEqual([rowCount, command], [6, "COPY"]);
    const found = await connection.execute({ text: "select * from copied order by n", values: [] });
    assert.deepEqual(
      found.rows,
      texts.map((text, index) => ({
        id: "01234567-89ab-cdef-0123-456789abcdef",
        n: index - 3,
        // A negative zero becomes zero.
        x: (numbers[index] ?? NaN) === 0 ? 0 : numbers[index] ?? null,
        ok: [true, false, null][index % 3],
        t: text ?? null,
      })),
    );
  } finally {
    await connection.close();
  }
});
