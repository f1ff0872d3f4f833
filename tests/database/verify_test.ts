import assert from "node:assert/strict";
import type { TestFn } from "../conformance/test_fn.ts";
import type { DatabaseHarness } from "../conformance/database_harness.ts";
import { verify } from "../../database/verify.ts";
import { onPglite, onPostgres } from "../support/databases.ts";

function verifySuite(test: TestFn, { name, open }: DatabaseHarness): void {
  test(`${name}: every statement fits the migrated schema`, async () => {
    const pool = await open();
    try {
      const { statements, problems } = await verify(pool);
      assert.deepEqual(problems, []);
      assert.ok(statements >= 50, `only ${statements} statements`);
    } finally {
      await pool.close();
    }
  });

  test(`${name}: a changed type, a missing column and a missing table are each found`, async () => {
    const pool = await open();
    try {
      await pool.execute(
        "alter table cursor_key alter column key type uuid using gen_random_uuid()",
      );
      await pool.execute(
        "alter table submissions alter column verification_notes type varchar(10)",
      );
      await pool.execute("alter table submission_results alter column duration_ms type numeric");
      const types = (await verify(pool)).problems;
      for (
        const list of ["submissions: column verification_notes", "results: column duration_ms"]
      ) {
        assert.ok(types.some((problem) => problem.startsWith(`list ${list} has type id`)), list);
      }
      await pool.execute("alter table submission_results rename column output to answer");
      await pool.execute("drop table organization_members");
      const { problems } = await verify(pool);
      const found = (text: RegExp): boolean => problems.some((problem) => text.test(problem));
      assert.ok(found(/^read cursor key: column key has type id 2950, expected text/), problems[0]);
      assert.ok(found(/^add results of submission: the server refuses it with SQLSTATE 42703/));
      assert.ok(found(/SQLSTATE 42P01/));
      assert.ok(!found(/^get user by id:/));
    } finally {
      await pool.close();
    }
  });
}

onPglite(verifySuite);
await onPostgres(verifySuite);
