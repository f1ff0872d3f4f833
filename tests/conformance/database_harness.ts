import type { DatabasePool } from "../../database/database_pool.ts";

/** How a suite gets its databases. */
export interface DatabaseHarness {
  /** Goes before the name of each test. */
  readonly name: string;
  /** Opens a pool on a fresh, migrated database; the suite closes it. */
  readonly open: () => Promise<DatabasePool>;
  /** What the database can do. */
  readonly capabilities: {
    /** Whether two transactions can run at the same time. */
    readonly concurrentConnections: boolean;
  };
}
