import assert from "node:assert/strict";
import { createPool } from "../../../database/create_pool.ts";
import { migrate } from "../../../database/migrator.ts";
import { newId } from "../../../domain/ids.ts";
import { PostgresSubmissionRepository } from "../../../database/repositories/submission_repository.ts";
import { createTestDatabase } from "../../support/postgres.ts";
import { findService, serviceTest } from "../../support/services.ts";

const serverTest = serviceTest(await findService("postgres"));

serverTest(
  "a rank and a page do not walk the board, also with a plan made when it was empty",
  async (url) => {
    const database = await createTestDatabase(url);
    const pool = await createPool({ url: database.url, max: 1 });
    try {
      await migrate(pool);
      const { versionId, userId } = await fill(pool, 20_000);
      const repository = new PostgresSubmissionRepository(pool);
      const { rows: before } = await pool.execute(READ_BLOCKS);
      const model = { provider: "provider", name: "model 10000" };
      const entry = await repository.getRank({ versionId }, model);
      assert.equal(entry?.rank, 10_000);
      const { nextCursor: cursor } = await repository.getLeaderboard({ versionId }, { limit: 100 });
      await repository.getLeaderboard({ versionId }, { limit: 100, cursor });
      await repository.create({ versionId, model, submittedBy: userId, score: -1 });
      await pool.execute("select pg_stat_force_next_flush()");
      const { rows: after } = await pool.execute(READ_BLOCKS);
      const rows = Number(after[0]?.["rows"]) - Number(before[0]?.["rows"]);
      assert.ok(rows < 1_000, `${rows} entries were read for one rank, two pages and one write`);
    } finally {
      await pool.close();
      await database.drop();
    }
  },
);

/** How many entries scans have returned so far. */
const READ_BLOCKS = `select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as rows
  from pg_stat_user_tables where relname = 'leaderboard_entries'`;

async function fill(
  pool: Awaited<ReturnType<typeof createPool>>,
  count: number,
): Promise<{ versionId: string; userId: string }> {
  const [versionId, benchmarkId, userId] = [newId(), newId(), newId()];
  await pool.execute("insert into users (id, email, username) values ($1, 'a@b', 'aa')", [userId]);
  await pool.execute(
    `insert into benchmarks (id, slug, name, category, created_by)
    values ($1, 'b', 'b', 'accuracy', $2)`,
    [benchmarkId, userId],
  );
  await pool.execute(
    `insert into benchmark_versions (id, benchmark_id, version, precedence, evaluation, created_by)
    values ($1, $2, '1.0.0', '1', '{"primaryMetric":{"higherIsBetter":true}}', $3)`,
    [versionId, benchmarkId, userId],
  );
  const repository = new PostgresSubmissionRepository(pool);
  // Up to the sixth call the server plans anew; the plan that it has then, for empty tables, stays.
  for (let call = 1; call <= 6; call++) {
    await repository.getRank({ versionId }, { provider: "provider", name: "model 1" });
    await repository.getLeaderboard({ versionId }, { limit: 100 });
  }
  await pool.execute(
    `insert into submissions (id, version_id, benchmark_id, model_provider, model_name,
      submitted_by, status, score)
    select gen_random_uuid(), $1, $2, 'provider', 'model ' || n, $3, 'completed', -n
    from generate_series(1, $4::integer) n`,
    [versionId, benchmarkId, userId, count],
    { timeoutMs: 120_000 },
  );
  return { versionId, userId };
}
