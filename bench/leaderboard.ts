// Reading boards of 10,000 and 1,000,000 submissions, and what keeping them costs a writer.
import process from "node:process";
import { sql } from "kysely";
import pg from "pg";
import { newId, PostgresSubmissionRepository } from "../mod.ts";
import { createSubmission } from "../database/repositories/submission_statements.ts";
import type { StoredEntry } from "../database/repositories/leaderboard_statements.ts";
import { statement } from "../database/statement.ts";
import { compare, type Contender } from "./compare.ts";
import { type Fixture, openFixture } from "./fixture.ts";
import { printGoals, printRows, slowerBy } from "./print.ts";

/** Fills two boards and measures the top 100, the rank of a model in the middle, and writes. */
export async function benchLeaderboard(rounds: number, large = 1_000_000): Promise<void> {
  await using fixture = await openFixture(20);
  const small = await fill(fixture, "1.0.0", 10_000);
  const big = await fill(fixture, "2.0.0", large);
  // What autovacuum does within minutes.
  await fixture.pool.execute("vacuum analyze", [], { timeoutMs: 600_000 });
  const raw = new pg.Pool({ connectionString: fixture.url, max: 20 });
  try {
    await benchReads(fixture, raw, small, big, rounds, large);
    await fixture.pool.transaction(async (transaction) => {
      await transaction.execute("set local statement_timeout = 0");
      await transaction.execute(BARE_TABLE, [], { timeoutMs: 600_000 });
    }, { timeoutMs: 600_000 });
    for (const writers of [1, 16]) await benchWrites(fixture, raw, big, writers, rounds);
    await benchWrites(fixture, raw, big, 16, rounds, 50_000);
  } finally {
    await raw.end();
  }
}

async function fill(fixture: Fixture, version: string, count: number): Promise<string> {
  const versionId = await fixture.createVersion(version);
  // As small as that, old versions of the counts are pruned as they are with one insert at a time.
  const chunk = 1_000;
  for (let done = 0; done < count; done += chunk) {
    // One fifth of the submissions are by different models, as in a busy exchange.
    await fixture.pool.execute(
      `insert into submissions (id, version_id, benchmark_id, model_provider, model_name,
        submitted_by, status, score)
      select gen_random_uuid(), $1, $2, 'provider', 'model-' || (n % $3), $4, 'completed',
        random() * 100
      from generate_series($5::integer, $6::integer) as n`,
      [versionId, fixture.benchmarkId, count / 5, fixture.userId, done, done + chunk - 1],
      { timeoutMs: 600_000 },
    );
    if (process.stderr.isTTY) {
      process.stderr.write(`\r  filling ${version}: ${done + chunk} of ${count} `);
    }
  }
  if (process.stderr.isTTY) process.stderr.write("\n");
  return versionId;
}

async function benchReads(
  { pool }: Fixture,
  raw: pg.Pool,
  small: string,
  big: string,
  rounds: number,
  large: number,
): Promise<void> {
  const repository = new PostgresSubmissionRepository(pool);
  const middle = async (versionId: string) => {
    const { rows } = await pool.execute(
      `select entry from leaderboard_entries where version_id = $1 and level = 0
      order by bucket desc, sort_score desc
      offset (select count(*) / 2 from leaderboard_entries where version_id = $1 and level = 0) limit 1`,
      [versionId],
    );
    return { provider: "provider", name: (rows[0]?.["entry"] as StoredEntry)[2] };
  };
  const [smallModel, bigModel] = [await middle(small), await middle(big)];
  const top = (versionId: string) => () => repository.getLeaderboard({ versionId }, { limit: 100 });
  const rows = await compare([
    { name: "select 1", run: () => raw.query({ name: "one", text: "select 1" }) },
    // On the connection that reads boards: where the scheduler puts its two ends is half of a round trip.
    { name: "select 1, same connection", run: () => pool.run(SELECT_ONE, {}) },
    { name: "top 100 of 10,000", run: top(small) },
    { name: `top 100 of ${large}`, run: top(big) },
    { name: "rank in 10,000", run: () => repository.getRank({ versionId: small }, smallModel) },
    { name: `rank in ${large}`, run: () => repository.getRank({ versionId: big }, bigModel) },
  ], { rounds, slotMs: 60, concurrency: 1 });
  printRows("Read a board", rows);
  printGoals([
    slowerBy(rows, `top 100 of ${large}`, "select 1", 3),
    slowerBy(rows, `top 100 of ${large}`, "select 1, same connection", 3),
    slowerBy(rows, `top 100 of ${large}`, "top 100 of 10,000", 1.3),
    slowerBy(rows, `rank in ${large}`, "select 1", 3),
    slowerBy(rows, `rank in ${large}`, "select 1, same connection", 3),
    slowerBy(rows, `rank in ${large}`, "rank in 10,000", 1.3),
  ]);
}

/**
 * After a checkpoint the server logs a page as a whole when it is first written, and a board has more
 * pages: `before` writes of both kinds are past most of that.
 */
async function benchWrites(
  fixture: Fixture,
  raw: pg.Pool,
  versionId: string,
  writers: number,
  rounds: number,
  before = 0,
): Promise<void> {
  const contenders = writeContenders(fixture, raw, versionId);
  for (const { run } of contenders) await repeat(run, before, writers);
  const rows = await compare(contenders, { rounds, slotMs: 150, concurrency: writers });
  const when = before ? `, after ${before} writes` : "";
  printRows(`Write a submission, ${writers} writers${when}`, rows);
  printGoals([slowerBy(rows, "create, with the board", "bare insert", 1.3)]);
}

/** The bare insert goes into a table that is the same but for the board. */
function writeContenders(
  { pool, userId }: Fixture,
  raw: pg.Pool,
  versionId: string,
): Contender[] {
  const silent = new PostgresSubmissionRepository(pool, { events: false });
  const repository = new PostgresSubmissionRepository(pool);
  const submission = () => ({
    id: newId(),
    versionId,
    model: { provider: "provider", name: `model-${Math.floor(Math.random() * 400_000)}` },
    submittedBy: userId,
    score: Math.random() * 100,
  });
  const { text } = createSubmission;
  const bare = text.replace("insert into submissions", "insert into bare_submissions");
  const values = (): unknown[] => {
    const { model, ...rest } = submission();
    return [...createSubmission.toQuery({ ...EMPTY, ...rest, ...model }, false).values];
  };
  return [
    { name: "bare insert", run: () => raw.query({ name: "bare", text: bare, values: values() }) },
    { name: "create, with the board", run: () => silent.create(submission()) },
    { name: "create, with the board and its event", run: () => repository.create(submission()) },
  ];
}

async function repeat(
  run: () => Promise<unknown>,
  times: number,
  concurrency: number,
): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let i = 0; i < times; i += concurrency) await run();
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

const SELECT_ONE = statement("select one", { one: "int4" }, () => sql`select 1 as one`);

const EMPTY = {
  version: "",
  official: false,
  organizationId: undefined,
  verifiedProvider: false,
  status: "completed",
  low: undefined,
  high: undefined,
  level: undefined,
  failure: undefined,
  execution: "{}",
  visibility: "public",
  events: false,
  metricNames: "{}",
  metricValues: "{}",
  offset: 0,
  caseNames: "{}",
  passed: "{}",
  scores: "{}",
  durations: "{}",
  outputs: "{}",
};

const BARE_TABLE = `create table bare_submissions (
  like submissions including all,
  foreign key (version_id) references benchmark_versions (id),
  foreign key (benchmark_id) references benchmarks (id),
  foreign key (submitted_by) references users (id),
  foreign key (organization_id) references organizations (id),
  foreign key (verified_by) references users (id)
);
create trigger bare_submissions_relate before insert on bare_submissions
for each row execute function submission_relate();
insert into bare_submissions (id, version_id, benchmark_id, model_provider, model_name, submitted_by,
  status, score)
select id, version_id, benchmark_id, model_provider, model_name, submitted_by, status, score
from submissions`;
