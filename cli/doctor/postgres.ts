import type { Environment } from "../../core/environment.ts";
import { DatabaseError } from "../../core/errors.ts";
import { parseConnectionUrl } from "../../database/connection_url.ts";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { migrationStatus } from "../../database/migrator.ts";
import { statement } from "../../database/statement.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { roundTrips } from "./round_trips.ts";

/** The oldest that the library is tested with. */
const MINIMUM = "15";

/** What a pool of the library takes by default. */
const POOL_CONNECTIONS = 10;

/** Checks the server of `DATABASE_URL`, changing nothing. */
export async function checkPostgres(
  diagnosis: Diagnosis,
  { DATABASE_URL: url = "" }: Environment,
): Promise<void> {
  const { timeoutMs } = diagnosis.call;
  const pool = await diagnosis.connect(
    () => targetOf(url),
    () => createPool({ url, max: 2, timeoutMs, connectTimeoutMs: timeoutMs }),
  );
  if (!pool) return;
  try {
    await checkServer(diagnosis, pool);
    await checkSchema(diagnosis, pool);
    await checkPreparedStatements(diagnosis, pool);
    await checkTime(diagnosis, pool);
  } finally {
    await pool.close();
  }
}

function targetOf(url: string): string {
  const { host, port, database, user } = parseConnectionUrl(url);
  return `${host}:${port}, database ${database}, user ${user}`;
}

const SERVER = `select current_setting('server_version') as version,
  pg_is_in_recovery() as replica,
  current_setting('fsync') = 'on' as fsync,
  current_setting('synchronous_commit') <> 'off' as waits,
  current_setting('max_connections')::int as connections,
  current_setting('superuser_reserved_connections')::int as reserved,
  (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
  current_setting('server_encoding') as encoding`;

async function checkServer(diagnosis: Diagnosis, pool: DatabasePool): Promise<void> {
  await diagnosis.look("settings", "Look into the log of the server", async () => {
    const { rows } = await pool.execute(SERVER, [], { ...diagnosis.call, readOnly: true });
    const row = rows[0] ?? {};
    diagnosis.version("PostgreSQL", String(row["version"]), MINIMUM);
    if (row["encoding"] === "UTF8") diagnosis.ok("encoding", "UTF8");
    else diagnosis.fail("encoding", String(row["encoding"]), "Create the database with UTF8");
    checkRole(diagnosis, row);
    checkDurability(diagnosis, row);
    checkConnections(diagnosis, row);
  });
}

type Row = Readonly<Record<string, unknown>>;

function checkRole(diagnosis: Diagnosis, { replica }: Row): void {
  if (replica !== true) return diagnosis.ok("role", "primary, takes writes");
  const fix = "Name the primary in DATABASE_URL";
  diagnosis.warn("role", "a replica, which takes no writes", fix);
}

function checkDurability(diagnosis: Diagnosis, { fsync, waits }: Row): void {
  if (fsync !== true) {
    const fix = "Set fsync = on in postgresql.conf";
    diagnosis.warn("durability", "fsync is off: a crash can destroy everything", fix);
  } else if (waits !== true) {
    const fix = "Set synchronous_commit = on, unless that is what you want";
    diagnosis.warn("durability", "synchronous_commit is off: a crash undoes the last commits", fix);
  } else {
    diagnosis.ok("durability", "a commit waits for the disk");
  }
}

/** The user of a service has none of the reserved ones. */
function checkConnections(diagnosis: Diagnosis, { connections, reserved, used }: Row): void {
  const free = Number(connections) - Number(reserved) - Number(used);
  const found = `${free} of ${connections} free, a pool takes up to ${POOL_CONNECTIONS}`;
  if (free >= POOL_CONNECTIONS) return diagnosis.ok("connections", found);
  const fix = "Raise max_connections, or give createPool a lower max";
  diagnosis.warn("connections", found, fix);
}

async function checkSchema(diagnosis: Diagnosis, pool: DatabasePool): Promise<void> {
  await diagnosis.look("schema", "Give the user the right to read the schema", async () => {
    const { applied, pending, problems } = await migrationStatus(pool, diagnosis.call);
    if (problems.length > 0) {
      const fix = "Use the version of the library that migrated it; see migrate status";
      diagnosis.fail("migrations", problems.join("; "), fix);
    } else if (pending.length > 0) {
      const found = `${pending.length} of ${applied.length + pending.length} are pending`;
      diagnosis.fail("migrations", found, "Run migrate up");
    } else {
      diagnosis.ok("migrations", `all ${applied.length} are applied`);
    }
    const create = "select has_schema_privilege(current_schema(), 'create') as able";
    const { rows } = await pool.execute(create, [], { ...diagnosis.call, readOnly: true });
    if (rows[0]?.["able"] === true) return diagnosis.ok("rights", "the user may create tables");
    const fix = "Grant CREATE on the schema to the user, or migrate as another one";
    const found = "the user may not create tables, so it cannot migrate";
    if (pending.length > 0) diagnosis.fail("rights", found, fix);
    else diagnosis.ok("rights", found);
  });
}

/** With a name of its own, it is prepared on each connection that runs it. */
const PREPARED = statement(
  "check prepared statements",
  { one: "int4" },
  (db, _: object) => db.selectNoFrom(({ lit }) => lit(1).as("one")),
);

/** A pooler that does not follow them gives a connection the statements of another one. */
async function checkPreparedStatements(diagnosis: Diagnosis, pool: DatabasePool): Promise<void> {
  try {
    for (let round = 0; round < 4; round++) {
      await Promise.all([1, 2].map(() => pool.run(PREPARED, {}, diagnosis.call)));
    }
    diagnosis.ok("prepared statements", "they work on every connection");
  } catch (error) {
    diagnosis.call.signal.throwIfAborted();
    const state = error instanceof DatabaseError ? error.sqlState : undefined;
    const found = `they do not work, SQLSTATE ${state ?? "unknown"}`;
    const fix = "Upgrade the pooler (PgBouncer 1.21 or later), or use preparedStatements: false";
    diagnosis.fail("prepared statements", found, fix);
  }
}

async function checkTime(diagnosis: Diagnosis, pool: DatabasePool): Promise<void> {
  const sql = "select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms";
  await diagnosis.look("latency", "Look at the load of the server", async () => {
    const trips = await roundTrips(async () => {
      const { rows } = await pool.execute(sql, [], { ...diagnosis.call, readOnly: true });
      return Number(rows[0]?.["ms"]);
    }, 5);
    diagnosis.latency(trips);
    diagnosis.clock(trips);
  });
}
