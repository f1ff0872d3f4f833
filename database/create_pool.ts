import type { Dialect } from "kysely";
import { ConfigurationError } from "../core/errors.ts";
import { DatabasePool, type DatabasePoolOptions } from "./database_pool.ts";
import type { DatabaseDriver } from "./driver.ts";
import type { KyselyDriverConfig } from "./drivers/kysely.ts";
import type { PgDriverConfig } from "./drivers/pg.ts";
import type { PgliteDriverConfig } from "./drivers/pglite.ts";
import { statement } from "./statement.ts";

/** Whether a database answers. */
const OPEN = statement(
  "open database",
  { one: "int4" },
  (db, _: object) => db.selectNoFrom(({ lit }) => lit(1).as("one")),
);

/** What a pool is made of: exactly one of `url`, `embedded`, `dialect` and `driver`, and options. */
export type DatabaseConfig =
  & DatabasePoolOptions
  & (
    | PgDriverConfig
    | { readonly embedded: PgliteDriverConfig }
    | Omit<KyselyDriverConfig, "maxConnections"> & { readonly dialect: Dialect }
    | { readonly driver: DatabaseDriver }
  );

/**
 * Opens a pool and checks that the database answers.
 *
 * - `{ url }`: a server, through `pg`.
 * - `{ embedded: { dataDir } }`: PGlite, in this process.
 * - `{ dialect }`: any Kysely dialect for PostgreSQL; give `max` if it can do more than one connection.
 * - `{ driver }`: your own {@linkcode DatabaseDriver}.
 *
 * Throws a {@linkcode ConfigurationError} for a malformed configuration, and a {@linkcode DatabaseError} that says
 * why the database cannot be used: `unavailable`, `unauthenticated`, `overloaded`, …
 *
 * @example
 * ```ts
 * import { createPool, migrate } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * console.log(pool.stats); // { total: 1, idle: 1, waiting: 0 }
 * await pool.close();
 * ```
 */
export async function createPool(config: DatabaseConfig): Promise<DatabasePool> {
  const pool = new DatabasePool(await createDriver(config), config);
  try {
    await pool.run(OPEN, {});
    return pool;
  } catch (error) {
    // Nobody has a connection yet; one that is still being opened closes itself.
    await pool.close(1);
    throw error;
  }
}

/** Vendors are loaded when they are asked for, never at import. */
async function createDriver(config: DatabaseConfig): Promise<DatabaseDriver> {
  const kinds = ["url", "embedded", "dialect", "driver"].filter((key) => key in config);
  if (kinds.length !== 1) {
    throw new ConfigurationError(
      [
        `give exactly one of url, embedded, dialect and driver, got ${
          kinds.join(" and ") || "none"
        }`,
      ],
      "create pool",
    );
  }
  if ("driver" in config) return config.driver;
  if ("url" in config) return new (await import("./drivers/pg.ts")).PgDriver(config);
  if ("embedded" in config) {
    return await (await import("./drivers/pglite.ts")).PgliteDriver.open(config.embedded);
  }
  const { KyselyDriver } = await import("./drivers/kysely.ts");
  return new KyselyDriver({ dialect: config.dialect, maxConnections: config.max ?? 1 });
}
