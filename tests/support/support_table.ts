import type { FileResult } from "./run_file.ts";
import { RUNTIME_NAMES, type RuntimeName } from "./runtimes.ts";
import { isFailure } from "./summary.ts";

/** The conformance tests of one adapter. */
export interface TestedAdapter {
  /** The entry point that has it, without the dot. */
  readonly entry: string;
  /** What its tests run on. */
  readonly on: string;
  /** The test file that runs its conformance suite. */
  readonly file: string;
}

/** Every adapter, in the order of the README. */
export const TESTED_ADAPTERS: readonly TestedAdapter[] = [
  { entry: "database/pg", on: "PostgreSQL", file: "tests/database/pg_test.ts" },
  { entry: "database/pglite", on: "PGlite", file: "tests/database/pglite_test.ts" },
  { entry: "database/kysely", on: "a dialect of Kysely", file: "tests/database/kysely_test.ts" },
  {
    entry: "database/deno-postgres",
    on: "PostgreSQL, by a stand-in",
    file: "tests/database/deno_postgres_test.ts",
  },
  { entry: "cache/memory", on: "memory", file: "tests/cache/memory_test.ts" },
  { entry: "cache/redis", on: "Redis", file: "tests/cache/redis/redis_test.ts" },
  { entry: "cache/redis", on: "a Redis cluster", file: "tests/cache/redis/cluster_test.ts" },
  { entry: "cache/redis-http", on: "Redis", file: "tests/cache/redis/redis_http_test.ts" },
  { entry: "storage/memory", on: "memory", file: "tests/storage/memory_test.ts" },
  { entry: "storage/filesystem", on: "a folder", file: "tests/storage/filesystem_test.ts" },
  { entry: "storage/s3", on: "Ceph", file: "tests/storage/s3/s3_test.ts" },
  { entry: "storage/s3", on: "OpenStack Swift", file: "tests/storage/s3/swift_test.ts" },
  { entry: "messaging/memory", on: "memory", file: "tests/messaging/memory_test.ts" },
  { entry: "messaging/redis", on: "Redis", file: "tests/messaging/redis/redis_test.ts" },
  {
    entry: "messaging/redis",
    on: "a Redis cluster",
    file: "tests/messaging/redis/cluster_test.ts",
  },
  {
    entry: "messaging/memory-streams",
    on: "memory",
    file: "tests/messaging/memory_streams_test.ts",
  },
  {
    entry: "messaging/redis-streams",
    on: "Redis",
    file: "tests/messaging/redis/streams_test.ts",
  },
  {
    entry: "messaging/redis-streams",
    on: "a Redis cluster",
    file: "tests/messaging/redis/streams_cluster_test.ts",
  },
  { entry: "messaging/nats", on: "NATS JetStream", file: "tests/messaging/nats_test.ts" },
  { entry: "messaging/rabbitmq", on: "RabbitMQ", file: "tests/messaging/rabbitmq/streams_test.ts" },
];

const TITLES: Readonly<Record<RuntimeName, string>> = { deno: "Deno", bun: "Bun", node: "Node" };
const BEGIN = "<!-- What the tests saw; deno task test --write-support -->\n";
const END = "\n<!-- end -->";

/** Which adapter works on which runtime, as Markdown; `undefined` if the results are not about all of them. */
export function supportTable(results: readonly FileResult[]): string | undefined {
  const rows = TESTED_ADAPTERS.map(({ entry, on, file }) => {
    const cells = RUNTIME_NAMES.map((runtime) =>
      cellOf(results.find((result) => result.file === file && result.runtime === runtime))
    );
    return [`\`${entry}\``, on, ...cells];
  });
  if (rows.some((row) => row.includes(undefined))) return undefined;
  const head = ["entry point", "tested on", ...RUNTIME_NAMES.map((name) => TITLES[name])];
  return toMarkdown([head, ...rows as string[][]]);
}

/** The support table that a document has. */
export function tableIn(document: string): string {
  const [, rest = ""] = document.split(BEGIN);
  return rest.split(END)[0]!.trim();
}

/** The document with another support table. Throws when it has no place for one. */
export function withTable(document: string, table: string): string {
  const [before, rest] = document.split(BEGIN);
  const end = rest?.indexOf(END) ?? -1;
  if (before === undefined || end < 0) {
    throw new Error("Cannot find the place of the support table");
  }
  return `${before}${BEGIN}\n${table}\n${rest!.slice(end)}`;
}

function cellOf(result: FileResult | undefined): string | undefined {
  if (!result) return undefined;
  if (isFailure(result) || result.passed === 0) return "no";
  const { length } = result.skipped;
  return length === 0 ? "yes" : `all but ${length} of ${result.passed + length} tests`;
}

/** As the formatter leaves it. */
function toMarkdown(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return lines.join("\n");
}
