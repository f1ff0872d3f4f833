// Reading one row by id: the library against its driver and its peers.
import { and, eq, isNull, sql as drizzleSql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { boolean, integer, jsonb, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { newId, PostgresUserRepository, type Schema } from "../mod.ts";
import { getUserById } from "../database/repositories/user_statements.ts";
import { compare, type Contender } from "./compare.ts";
import { type Fixture, openFixture } from "./fixture.ts";
import { fasterBy, printGoals, printRows } from "./print.ts";

const ROWS = 1_000;

/** Reads a user of about 1 KB by its id, at concurrency 1 and 32. */
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
  const repository = new PostgresUserRepository(fixture.pool);
  const ids = Array.from({ length: ROWS }, newId);
  for (const [index, id] of ids.entries()) {
    await repository.create({
      id,
      email: `user-${index}@example.org`,
      username: `user-${index}`,
      displayName: `User ${index}`,
      profile: { bio: "x".repeat(700), location: "somewhere" },
    });
  }
  return ids;
}

function contenders({ pool }: Fixture, peers: pg.Pool, ids: readonly string[]): Contender[] {
  const repository = new PostgresUserRepository(pool);
  const next = (): string => ids[Math.floor(Math.random() * ids.length)] ?? "";
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: peers }) });
  const prepared = prepareDrizzle(peers);
  return [
    {
      name: "pg, named statement",
      run: () => peers.query({ name: "read", text: getUserById.text, values: [next()] }),
    },
    { name: "getById", run: () => repository.getById(next()) },
    { name: "drizzle, prepared", run: () => prepared.execute({ id: next() }) },
    {
      name: "kysely",
      run: () =>
        kysely.selectFrom("users").selectAll().where("id", "=", next())
          .where("deleted_at", "is", null).executeTakeFirst(),
    },
  ];
}

function prepareDrizzle(peers: pg.Pool) {
  const users = pgTable("users", {
    id: uuid().primaryKey(),
    email: text(),
    username: text(),
    displayName: text("display_name"),
    role: text(),
    profile: jsonb(),
    emailVerified: boolean("email_verified"),
    lastActiveAt: timestamp("last_active_at", { withTimezone: true }),
    createdAt: timestamp("created_at", { withTimezone: true }),
    updatedAt: timestamp("updated_at", { withTimezone: true }),
    deletedAt: timestamp("deleted_at", { withTimezone: true }),
    revision: integer(),
  });
  return drizzle(peers).select().from(users)
    .where(and(eq(users.id, drizzleSql.placeholder("id")), isNull(users.deletedAt)))
    .prepare("drizzle_read");
}
