// Reading one row by id: the library against its driver and its peers.
import { eq, sql as drizzleSql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import {
  boolean,
  doublePrecision,
  jsonb,
  pgTable,
  text,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { newId, PostgresSubmissionRepository, type Schema } from "../mod.ts";
import { getSubmission } from "../database/repositories/submission_statements.ts";
import { compare, type Contender } from "./compare.ts";
import { type Fixture, openFixture } from "./fixture.ts";
import { fasterBy, printGoals, printRows } from "./print.ts";

const ROWS = 1_000;

/** Reads a submission of about 1 KB by its id, at concurrency 1 and 32. */
export async function benchPointRead(rounds: number): Promise<void> {
  await using fixture = await openFixture();
  const ids = await createRows(fixture);
  const peers = new pg.Pool({ connectionString: fixture.url, max: 10 });
  try {
    for (const concurrency of [1, 32]) {
      const rows = await compare(contenders(fixture, peers, ids), {
        rounds,
        slotMs: 120,
        concurrency,
      });
      printRows(`Point read by id, concurrency ${concurrency}`, rows);
      const least = concurrency === 1 ? 0.95 : 1;
      printGoals([
        fasterBy(rows, "getById", "pg, named statement", least),
        fasterBy(rows, "getById", "drizzle, prepared", 1),
      ]);
    }
  } finally {
    await peers.end();
  }
}

async function createRows(fixture: Fixture): Promise<string[]> {
  const repository = new PostgresSubmissionRepository(fixture.pool);
  const versionId = await fixture.createVersion("1.0.0");
  const ids = Array.from({ length: ROWS }, newId);
  for (const [index, id] of ids.entries()) {
    await repository.create({
      id,
      versionId,
      model: { provider: "provider", name: `model-${index}` },
      submittedBy: fixture.userId,
      score: index / 10,
      execution: { notes: "x".repeat(700), temperature: 0, seed: index },
    });
  }
  return ids;
}

function contenders({ pool }: Fixture, peers: pg.Pool, ids: readonly string[]): Contender[] {
  const repository = new PostgresSubmissionRepository(pool);
  const next = (): string => ids[Math.floor(Math.random() * ids.length)] ?? "";
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: peers }) });
  const prepared = prepareDrizzle(peers);
  return [
    {
      name: "pg, named statement",
      run: () => peers.query({ name: "read", text: getSubmission.text, values: [next()] }),
    },
    { name: "getById", run: () => repository.getById(next()) },
    { name: "drizzle, prepared", run: () => prepared.execute({ id: next() }) },
    {
      name: "kysely",
      run: () =>
        kysely.selectFrom("submissions").selectAll().where("id", "=", next())
          .where("deleted_at", "is", null).executeTakeFirst(),
    },
  ];
}

function prepareDrizzle(peers: pg.Pool) {
  const submissions = pgTable("submissions", {
    id: uuid().primaryKey(),
    versionId: uuid("version_id"),
    benchmarkId: uuid("benchmark_id"),
    modelProvider: text("model_provider"),
    modelName: text("model_name"),
    modelVersion: text("model_version"),
    modelOfficial: boolean("model_official"),
    submittedBy: uuid("submitted_by"),
    organizationId: uuid("organization_id"),
    verifiedProvider: boolean("verified_provider"),
    status: text(),
    score: doublePrecision(),
    intervalLow: doublePrecision("interval_low"),
    intervalHigh: doublePrecision("interval_high"),
    intervalLevel: doublePrecision("interval_level"),
    failure: text(),
    execution: jsonb(),
    verification: text(),
    verifiedBy: uuid("verified_by"),
    verifiedAt: timestamp("verified_at", { withTimezone: true }),
    verificationNotes: text("verification_notes"),
    visibility: text(),
    createdAt: timestamp("created_at", { withTimezone: true }),
    updatedAt: timestamp("updated_at", { withTimezone: true }),
  });
  return drizzle(peers).select().from(submissions)
    .where(eq(submissions.id, drizzleSql.placeholder("id"))).prepare("drizzle_read");
}
