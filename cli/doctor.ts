import type { Environment } from "../core/environment.ts";
import { S3_VARIABLES } from "../storage/s3_environment.ts";
import type { Command } from "./command.ts";
import { EXIT_WRONG, usageError } from "./command_error.ts";
import type { CommandLine } from "./command_line.ts";
import { Diagnosis } from "./doctor/diagnosis.ts";
import { checkNats } from "./doctor/nats.ts";
import { checkPostgres } from "./doctor/postgres.ts";
import { checkRabbitMq } from "./doctor/rabbitmq.ts";
import { checkRedis } from "./doctor/redis.ts";
import {
  type DoctorReport,
  formatServer,
  formatSummary,
  type ServerReport,
} from "./doctor/report.ts";
import { checkS3 } from "./doctor/s3.ts";
import type { CliIo } from "./io.ts";
import { jsonDocument, paintFor } from "./output.ts";

/** Checks every configured server. */
export const DOCTOR: Command = {
  help: `Checks every server that the environment names, and says what to fix.

  doctor [--json] [--bucket NAME] [--timeout-ms 5000]

  --json           one JSON document: {"healthy":true,"servers":[{"name":"Redis","findings":[…]}]}
  --bucket NAME    also try in this bucket what the S3 server does, with objects that it removes
  --timeout-ms MS  how long each question to a server may take, 100 to 60000; 5000 if left out

It looks whether a server can be reached, takes the credentials, is new enough, can do what the
library needs, how far its clock is off (PostgreSQL, Redis, S3) and how fast it answers. Nothing is
changed but for that bucket, and a queue on RabbitMQ that it creates and deletes at once.

Examples
  doctor
  doctor --json --bucket exchange-datasets

Ends with 0 if nothing failed, also with warnings, with 1 if something failed, with 2 if no server
is configured or it is used wrongly.
`,
  options: { json: "flag", bucket: "text", "timeout-ms": "text" },
  run: examine,
};

/** What is known of a kind of server. */
interface ServerKind {
  readonly name: string;
  /** One of them is set if there is such a server. */
  readonly variables: readonly [string, ...string[]];
  readonly check: (
    diagnosis: Diagnosis,
    environment: Environment,
    bucket: string | undefined,
  ) => Promise<void>;
}

const SERVERS: readonly ServerKind[] = [
  { name: "PostgreSQL", variables: ["DATABASE_URL"], check: checkPostgres },
  { name: "Redis", variables: ["REDIS_URL"], check: checkRedis },
  { name: "NATS", variables: ["NATS_URL"], check: checkNats },
  { name: "RabbitMQ", variables: ["RABBITMQ_URL"], check: checkRabbitMq },
  // A region alone is set in many environments that have no storage.
  { name: "S3", variables: ["S3_ENDPOINT", "AWS_ACCESS_KEY_ID"], check: checkS3 },
];

async function examine(line: CommandLine, io: CliIo): Promise<number> {
  const timeoutMs = line.integer("timeout-ms", { otherwise: 5_000, min: 100, max: 60_000 });
  if (!SERVERS.some((kind) => isConfigured(kind, io.environment))) {
    const names = SERVERS.map(({ variables }) => variables[0]).join(", ");
    throw usageError(`Cannot check anything: none of ${names} is set`);
  }
  const asJson = line.has("json");
  const servers: ServerReport[] = [];
  // One after the other, because together they would slow down each other's answers.
  for (const kind of SERVERS) {
    const server = await examineOne(kind, { io, timeoutMs, bucket: line.text("bucket") });
    servers.push(server);
    if (!asJson) await io.stdout.write(formatServer(server, paintFor(io)));
  }
  const findings = servers.flatMap((server) => server.findings);
  const healthy = findings.every(({ level }) => level !== "failed");
  const report: DoctorReport = { healthy, servers };
  await io.stdout.write(asJson ? jsonDocument(report) : formatSummary(report));
  return healthy ? 0 : EXIT_WRONG;
}

async function examineOne(
  kind: ServerKind,
  { io, timeoutMs, bucket }: { io: CliIo; timeoutMs: number; bucket: string | undefined },
): Promise<ServerReport> {
  const { environment, signal } = io;
  const { name, check, variables: [variable] } = kind;
  if (!isConfigured(kind, environment)) return { name, variable, configured: false, findings: [] };
  const all = check === checkS3 ? S3_VARIABLES.join(", ") : variable;
  const diagnosis = new Diagnosis({ variable: all, timeoutMs, signal });
  await check(diagnosis, environment, bucket);
  return { name, variable, configured: true, findings: diagnosis.findings };
}

function isConfigured({ variables }: ServerKind, environment: Environment): boolean {
  return variables.some((name) => environment[name]);
}
