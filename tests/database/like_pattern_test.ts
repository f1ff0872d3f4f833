import assert from "node:assert/strict";
import * as fc from "fast-check";
import { createPool } from "../../database/create_pool.ts";
import { containsPattern } from "../../database/like_pattern.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const pool = await whenPermitted(() => createPool({ embedded: {} }));
after(() => pool.close());

const text = fc.string({ unit: fc.constantFrom("%", "_", "\\", "a", "A", "'", "\n", "é") });

test("the pattern matches exactly the texts that contain the text", async () => {
  await fc.assert(
    fc.asyncProperty(text, text, async (whole, part) => {
      const { rows } = await pool.execute("select $1::text like $2 as matches", [
        whole,
        containsPattern(part),
      ]);
      assert.equal(rows[0]?.["matches"], whole.includes(part));
    }),
  );
});
