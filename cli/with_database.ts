import { createPool } from "../database/create_pool.ts";
import type { DatabasePool } from "../database/database_pool.ts";
import type { CliIo } from "./io.ts";
import { requiredVariable } from "./variables.ts";

/** Uses the database that `DATABASE_URL` names, and closes it afterwards. Throws as `createPool` does. */
export async function withDatabase<T>(
  { environment }: CliIo,
  use: (pool: DatabasePool) => Promise<T>,
): Promise<T> {
  const pool = await createPool({ url: requiredVariable(environment, "DATABASE_URL"), max: 2 });
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
}
