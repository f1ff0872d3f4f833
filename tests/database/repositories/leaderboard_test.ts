import assert from "node:assert/strict";
import { createPool } from "../../../database/create_pool.ts";
import type { Database } from "../../../database/database.ts";
import type { DatabasePool } from "../../../database/database_pool.ts";
import { migrate } from "../../../database/migrator.ts";
import { newId } from "../../../domain/ids.ts";
import { PostgresSubmissionRepository } from "../../../database/repositories/submission_repository.ts";
import { createTestDatabase } from "../../support/postgres.ts";
import { findService, serviceTest } from "../../support/services.ts";
import { until } from "../../support/until.ts";

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

serverTest(
  "a board is right when its best submission is hidden by a transaction that does not see a newer one",
  (url) =>
    withBoard(url, async ({ pool, other, submit, board }) => {
      const best = await submit(pool, 2);
      let attempts = 0;
      await pool.transaction(async (transaction) => {
        const repository = new PostgresSubmissionRepository(transaction);
        await repository.getById(best);
        if (attempts++ === 0) await submit(other, 1);
        await repository.updateVisibility(best, "private");
      }, { isolation: "repeatable read" });
      assert.deepEqual(await board(), [1]);
      assert.equal(attempts, 2);
    }),
);

serverTest(
  "a board is right when a better submission comes while a submission is offered",
  (url) =>
    withBoard(url, async ({ pool, other, submit, board }) => {
      const better = Promise.withResolvers<string>();
      const worse = Promise.withResolvers<void>();
      const [commitBetter, commitWorse] = [
        Promise.withResolvers<void>(),
        Promise.withResolvers<void>(),
      ];
      const first = pool.transaction(async (transaction) => {
        better.resolve(await submit(transaction, 2));
        await commitBetter.promise;
      });
      const best = await better.promise;
      const second = other.transaction(async (transaction) => {
        await submit(transaction, 1);
        worse.resolve();
        await commitWorse.promise;
      });
      await until("the second submission waits for the first", () => waitsForLock(pool));
      commitBetter.resolve();
      await Promise.all([first, worse.promise]);
      let attempts = 0;
      await pool.transaction(async (transaction) => {
        const repository = new PostgresSubmissionRepository(transaction);
        await repository.getById(best);
        if (attempts++ === 0) {
          commitWorse.resolve();
          await second;
        }
        await repository.updateVisibility(best, "private");
      }, { isolation: "repeatable read" });
      assert.deepEqual(await board(), [1]);
      assert.equal(attempts, 2);
    }),
);

interface BoardFixture {
  readonly pool: DatabasePool;
  /** Another pool on the same database. */
  readonly other: DatabasePool;
  /** Submits a score of the one model. */
  submit(database: Database, score: number): Promise<string>;
  /** The scores on the board. */
  board(): Promise<number[]>;
}

async function withBoard(url: string, use: (fixture: BoardFixture) => Promise<void>) {
  const database = await createTestDatabase(url);
  const [pool, other] = await Promise.all([0, 1].map(() => createPool({ url: database.url })));
  try {
    await migrate(pool!);
    const { versionId, userId: submittedBy } = await fill(pool!, 0);
    await use({
      pool: pool!,
      other: other!,
      submit: async (on, score) => {
        const submission = { versionId, model: { provider: "p", name: "m" }, submittedBy, score };
        return (await new PostgresSubmissionRepository(on).create(submission)).id;
      },
      board: async () => {
        const repository = new PostgresSubmissionRepository(pool!);
        return (await repository.getLeaderboard({ versionId })).items.map(({ score }) => score);
      },
    });
  } finally {
    await Promise.all([pool?.close(), other?.close()]);
    await database.drop();
  }
}

async function waitsForLock(pool: DatabasePool): Promise<boolean> {
  const { rows } = await pool.execute(
    `select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

/** How many entries scans have returned so far. */
const READ_BLOCKS = `select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as rows
  from pg_stat_user_tables where relname = 'leaderboard_entries'`;

async function fill(
  pool: DatabasePool,
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
