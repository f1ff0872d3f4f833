import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool, DatabasePoolOptions } from "../../database/database_pool.ts";
import type { PgDriverConfig } from "../../database/drivers/pg.ts";
import { migrate } from "../../database/migrator.ts";
import { PostgresLockProvider } from "../../database/postgres_locks.ts";
import { lazily } from "./lazily.ts";
import { createTestDatabase, type TestDatabase } from "./postgres.ts";
import type { Service } from "./services.ts";

const HOLDER = `from pg_locks where locktype = 'advisory' and granted
  and database = (select oid from pg_database where datname = current_database())
  and (classid::int8 << 32 | objid::int8) = hashtextextended($1, 0)`;

/** What a test of locks works with. */
export interface LockContext {
  readonly pool: DatabasePool;
  readonly locks: PostgresLockProvider;
  /** An empty table; see {@linkcode LockDatabase.createTable}. */
  readonly table: string;
}

/** A migrated database of a test file, for its tests of locks. */
export class LockDatabase {
  readonly #created: () => Promise<TestDatabase>;
  #isCreated = false;
  #tables = 0;

  /** Creates nothing before the first pool. */
  constructor(service: Service) {
    this.#created = lazily(async () => {
      if ("missing" in service) throw new Error(service.missing);
      this.#isCreated = true;
      const created = await createTestDatabase(service.url);
      const pool = await createPool({ url: created.url });
      await migrate(pool);
      await pool.close();
      return created;
    });
  }

  /** Opens a pool, which the caller closes. */
  async open(options: DatabasePoolOptions & Partial<PgDriverConfig> = {}): Promise<DatabasePool> {
    return await createPool({ url: (await this.#created()).url, ...options });
  }

  /** Opens a pool, uses it, and closes it whatever happens. */
  async use<T>(
    options: DatabasePoolOptions & Partial<PgDriverConfig>,
    use: (pool: DatabasePool) => Promise<T>,
  ): Promise<T> {
    const pool = await this.open(options);
    try {
      return await use(pool);
    } finally {
      await pool.close(100);
    }
  }

  /** The same with locks on the pool, and an empty table. */
  useLocks(
    options: DatabasePoolOptions & Partial<PgDriverConfig>,
    use: (context: LockContext) => Promise<void>,
  ): Promise<void> {
    return this.use(options, async (pool) => {
      const locks = new PostgresLockProvider(pool);
      await use({ pool, locks, table: await this.createTable(pool) });
    });
  }

  /** Creates a table `(id integer primary key)` and returns its name. */
  async createTable(pool: DatabasePool): Promise<string> {
    const table = `written_${++this.#tables}`;
    await pool.execute(`create table ${table} (id integer primary key)`);
    return table;
  }

  /** Whether a session has the lock, as the server sees it. */
  isHeld(name: string): Promise<boolean> {
    return this.use({ max: 1 }, async (pool) => {
      return (await pool.execute(`select 1 ${HOLDER}`, [name])).rowCount > 0;
    });
  }

  /** Ends the session that has the lock, and waits until it is gone. */
  endHolder(name: string): Promise<void> {
    return this.use({ max: 1 }, async (pool) => {
      const end = `select pid, pg_terminate_backend(pid) ${HOLDER}`;
      const { rows: [row] } = await pool.execute(end, [name]);
      const lives = "select 1 from pg_stat_activity where pid = $1";
      while ((await pool.execute(lives, [row?.["pid"]])).rowCount > 0);
    });
  }

  /** Drops the database. */
  async drop(): Promise<void> {
    if (this.#isCreated) await (await this.#created()).drop();
  }
}

/** What the table has. */
export async function idsIn(
  database: Pick<DatabasePool, "execute">,
  table: string,
): Promise<unknown[]> {
  const { rows } = await database.execute(`select id from ${table} order by id`);
  return rows.map(({ id }) => id);
}
