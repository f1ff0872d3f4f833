import { sql as people } from "./0001_people.ts";
import { sql as benchmarks } from "./0002_benchmarks.ts";
import { sql as submissions } from "./0003_submissions.ts";
import { sql as leaderboards } from "./0004_leaderboards.ts";
import { sql as cursorKey } from "./0005_cursor_key.ts";
import { sql as locks } from "./0006_locks.ts";
import { sql as outbox } from "./0007_outbox.ts";

/** One step of the schema. Once released, its text never changes: a change is a new step. */
export interface Migration {
  /** Unique, and in the order of application: `0001_people`. */
  readonly name: string;
  /** One or more statements, applied together or not at all. */
  readonly sql: string;
}

/** The schema of this library, step by step. */
export const MIGRATIONS: readonly Migration[] = [
  { name: "0001_people", sql: people },
  { name: "0002_benchmarks", sql: benchmarks },
  { name: "0003_submissions", sql: submissions },
  { name: "0004_leaderboards", sql: leaderboards },
  { name: "0005_cursor_key", sql: cursorKey },
  { name: "0006_locks", sql: locks },
  { name: "0007_outbox", sql: outbox },
];
