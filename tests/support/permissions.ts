import type { ServiceName } from "./services.ts";

/** What one use of the package needs on Deno: the facts behind the table in README.md. */
export interface PermissionFact {
  /** What is used: a subpath of the package, or a function of its main module. */
  readonly use: string;
  /** The flags, all of them needed; words in capitals stand for what they are limited to. */
  readonly flags: readonly string[];
  /** The servers that the use needs. */
  readonly servers?: readonly ServiceName[];
  /** Whether a server of HTTP stands before the first of these. */
  readonly overHttp?: boolean;
}

const SERVER = "--allow-net=HOST:PORT";
const PGLITE = "--allow-read=PGLITE";
/** What the SDK reads when it is loaded, though it is told everything. */
const SDK_VARIABLES = "AWS_LAMBDA_*,AWS_SDK_*";
/** What the command line reads; where there is no server for one, it is still asked for. */
const CLI_VARIABLES = "DATABASE_URL,REDIS_URL,NATS_URL,RABBITMQ_URL,S3_ENDPOINT,AWS_*";

/** One for each subpath of the package, and for each way to run all of it. */
export const PERMISSION_FACTS: readonly PermissionFact[] = [
  { use: "/core", flags: [] },
  { use: "/domain", flags: [] },
  { use: "/database", flags: [] },
  { use: "/database/kysely", flags: [] },
  { use: "/cache", flags: [] },
  { use: "/cache/memory", flags: [] },
  { use: "/storage", flags: [] },
  { use: "/storage/memory", flags: [] },
  { use: "/messaging", flags: [] },
  { use: "/messaging/memory", flags: [] },
  { use: "/messaging/memory-streams", flags: [] },
  { use: "/testing", flags: [] },
  { use: "/database/pg", flags: [SERVER], servers: ["postgres"] },
  { use: "/database/deno-postgres", flags: [SERVER], servers: ["postgres"] },
  { use: "/cache/redis", flags: [SERVER], servers: ["redis"] },
  { use: "/cache/redis-http", flags: [SERVER], servers: ["redis"], overHttp: true },
  { use: "/messaging/redis", flags: [SERVER], servers: ["redis"] },
  { use: "/messaging/redis-streams", flags: [SERVER], servers: ["redis"] },
  { use: "/messaging/nats", flags: [SERVER], servers: ["nats"] },
  { use: "/messaging/rabbitmq", flags: [SERVER], servers: ["rabbitmq"] },
  { use: "/storage/s3", flags: [SERVER, `--allow-env=${SDK_VARIABLES}`], servers: ["s3"] },
  { use: "/cli", flags: [SERVER, `--allow-env=${CLI_VARIABLES}`], servers: ["postgres"] },
  { use: "/storage/filesystem", flags: ["--allow-read=FOLDER", "--allow-write=FOLDER"] },
  { use: "/database/pglite", flags: [PGLITE] },
  { use: "Infrastructure.embedded()", flags: [PGLITE] },
  {
    use: "Infrastructure.embedded({ dataDir })",
    flags: [`${PGLITE},FOLDER`, "--allow-write=FOLDER"],
  },
  {
    use: "Infrastructure.fromEnv()",
    flags: ["--allow-net=HOST:PORT", "--allow-env=DATABASE_URL,REDIS_URL,S3_ENDPOINT,AWS_*"],
    servers: ["postgres", "redis", "s3"],
  },
];

/** The rows of the table in README.md: uses with the same flags are in one. */
export function permissionRows(facts: readonly PermissionFact[]): [uses: string, flags: string][] {
  const rows = new Map<string, string[]>();
  for (const { use, flags } of facts) {
    const key = flags.map((flag) => `\`${flag}\``).join(" ") || "none";
    rows.set(key, [...rows.get(key) ?? [], `\`${use}\``]);
  }
  return [...rows].map(([flags, uses]) => [uses.join(", "), flags]);
}

/** Replaces the words in capitals by what they stand for, which is one text or several. */
export function limitFlags(
  flags: readonly string[],
  limits: Readonly<Record<string, readonly string[]>>,
): string[] {
  const pattern = new RegExp(Object.keys(limits).join("|"), "g");
  return flags.map((flag) => flag.replace(pattern, (word) => limits[word]!.join(",")));
}

/** The same flags with one thing less, in every way in which that can be. */
export function withOneLess(flags: readonly string[]): string[][] {
  return flags.flatMap((flag, place) => {
    const [name, values = ""] = flag.split("=");
    const all = values.split(",");
    return all.map((_, i) => {
      const left = all.filter((_, other) => other !== i);
      return flags.toSpliced(place, 1, ...left.length > 0 ? [`${name}=${left.join(",")}`] : []);
    });
  });
}
