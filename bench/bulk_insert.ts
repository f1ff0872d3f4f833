// Creating a submission with 10,000 case results, against the raw ways to insert as many rows.
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { type CaseResult, newId, PostgresSubmissionRepository, type Schema } from "../mod.ts";
import { arrayLiteral } from "../database/array_literal.ts";
import { compare, type Contender } from "./compare.ts";
import { type Fixture, openFixture } from "./fixture.ts";
import { fasterBy, printGoals, printRows } from "./print.ts";

const COUNT = 10_000;

const UNNEST = `insert into submission_results
  (submission_id, position, case_name, passed, score, duration_ms, output)
select $1, r.number, r.case_name, r.passed, r.score, r.duration_ms, r.output
from unnest($2::text[], $3::boolean[], $4::float8[], $5::float8[], $6::text[])
  with ordinality as r (case_name, passed, score, duration_ms, output, number)`;

/** Inserts 10,000 results in one call; each contender stores them in the same tables. */
export async function benchBulkInsert(rounds: number): Promise<void> {
  await using fixture = await openFixture();
  const versionId = await fixture.createVersion("1.0.0");
  const peers = new pg.Pool({ connectionString: fixture.url, max: 10 });
  try {
    const rows = await compare(contenders(fixture, peers, versionId), {
      rounds,
      slotMs: 120,
      concurrency: 1,
    });
    printRows(`Create a submission with ${COUNT} results`, rows);
    printGoals([
      fasterBy(rows, "create", "unnest, ready array literals", 0.9),
      fasterBy(rows, "create", "row by row, named, one transaction", 25),
      fasterBy(rows, "create", "kysely, multi-row insert", 2),
    ]);
  } finally {
    await peers.end();
  }
}

function contenders({ pool, userId }: Fixture, peers: pg.Pool, versionId: string): Contender[] {
  const repository = new PostgresSubmissionRepository(pool);
  const results = Array.from({ length: COUNT }, (_, index): CaseResult => ({
    caseName: `case-${index}`,
    passed: index % 3 !== 0,
    score: index / COUNT,
    durationMs: 1_000 + index,
    output: `answer "${index}" of the model`,
  }));
  const submit = async (more: { results?: readonly CaseResult[] } = {}): Promise<string> => {
    const model = { provider: "provider", name: newId() };
    const { id } = await repository.create({
      versionId,
      model,
      submittedBy: userId,
      score: 1,
      ...more,
    });
    return id;
  };
  const before = () => pool.execute("truncate submission_results");
  return [
    { name: "unnest, ready array literals", before, run: unnest(peers, submit, columns(results)) },
    { name: "create", before, run: () => submit({ results }) },
    { name: "kysely, multi-row insert", before, run: kyselyInsert(peers, submit, results) },
    { name: "row by row, named, one transaction", before, run: rowByRow(peers, submit, results) },
  ];
}

type Submit = () => Promise<string>;

function unnest(peers: pg.Pool, submit: Submit, ready: readonly string[]) {
  return () =>
    inTransaction(peers, async (client) => {
      await client.query({ name: "unnest", text: UNNEST, values: [await submit(), ...ready] });
    });
}

function kyselyInsert(peers: pg.Pool, submit: Submit, results: readonly CaseResult[]) {
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: peers }) });
  return async () => {
    const id = await submit();
    // 7 columns, so that the 65,535 parameters of the protocol are not exceeded.
    for (let at = 0; at < COUNT; at += 5_000) {
      const rows = results.slice(at, at + 5_000).map((one, i) => toRow(id, at + i, one));
      await kysely.insertInto("submission_results").values(rows).execute();
    }
  };
}

function rowByRow(peers: pg.Pool, submit: Submit, results: readonly CaseResult[]) {
  return () =>
    inTransaction(peers, async (client) => {
      const id = await submit();
      for (const [index, one] of results.entries()) {
        await client.query({
          name: "row",
          text: ROW,
          values: Object.values(toRow(id, index, one)),
        });
      }
    });
}

const ROW = `insert into submission_results
  (submission_id, position, case_name, passed, score, duration_ms, output)
values ($1, $2, $3, $4, $5, $6, $7)`;

function toRow(submissionId: string, position: number, one: CaseResult) {
  return {
    submission_id: submissionId,
    position,
    case_name: one.caseName,
    passed: one.passed ?? null,
    score: one.score ?? null,
    duration_ms: one.durationMs ?? null,
    output: one.output ?? null,
  };
}

function columns(results: readonly CaseResult[]): string[] {
  return (["caseName", "passed", "score", "durationMs", "output"] as const)
    .map((name) => arrayLiteral(results.map((one) => one[name])));
}

async function inTransaction(peers: pg.Pool, fn: (client: pg.PoolClient) => Promise<void>) {
  const client = await peers.connect();
  try {
    await client.query("begin");
    await fn(client);
    await client.query("commit");
  } finally {
    client.release();
  }
}
