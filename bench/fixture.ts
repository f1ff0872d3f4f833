import { createPool, type DatabasePool, migrate, newId } from "../mod.ts";
import { createTestDatabase } from "../tests/support/postgres.ts";
import { findService } from "../tests/support/services.ts";

/** A migrated database of the benchmark's own, with one user and one benchmark. */
export interface Fixture extends AsyncDisposable {
  readonly url: string;
  readonly pool: DatabasePool;
  readonly userId: string;
  readonly benchmarkId: string;
  /** Creates another version of the benchmark. */
  createVersion(version: string): Promise<string>;
}

/** Creates the database on the server that tests use. */
export async function openFixture(max = 10): Promise<Fixture> {
  const service = await findService("postgres");
  if ("missing" in service) throw new Error(service.missing);
  const database = await createTestDatabase(service.url);
  const pool = await createPool({ url: database.url, max });
  await migrate(pool);
  const userId = newId();
  const benchmarkId = newId();
  await pool.execute("insert into users (id, email, username) values ($1, $2, $3)", [
    userId,
    "bench@example.org",
    "bench",
  ]);
  await pool.execute(
    "insert into benchmarks (id, slug, name, category, created_by) values ($1, $2, $2, $3, $4)",
    [benchmarkId, "bench", "accuracy", userId],
  );
  const createVersion = async (version: string): Promise<string> => {
    const id = newId();
    const evaluation = { primaryMetric: { name: "score", type: "accuracy", higherIsBetter: true } };
    await pool.execute(
      `insert into benchmark_versions (id, benchmark_id, version, precedence, evaluation, created_by)
       values ($1, $2, $3, $3, $4, $5)`,
      [id, benchmarkId, version, JSON.stringify(evaluation), userId],
    );
    return id;
  };
  const dispose = async (): Promise<void> => {
    await pool.close();
    await database.drop();
  };
  return {
    url: database.url,
    pool,
    userId,
    benchmarkId,
    createVersion,
    [Symbol.asyncDispose]: dispose,
  };
}
