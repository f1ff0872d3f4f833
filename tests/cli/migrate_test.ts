import assert from "node:assert/strict";
import { MIGRATIONS } from "../../database/migrations/migrations.ts";
import { createTestDatabase, withClient } from "../support/postgres.ts";
import { type CommandOutcome, runRecorded } from "../support/recorded_io.ts";
import { findService, serviceTest } from "../support/services.ts";

const test = serviceTest(await findService("postgres"));
const names = MIGRATIONS.map(({ name }) => name);

type Migrate = (...args: readonly string[]) => Promise<CommandOutcome>;

/** Uses a database of its own; `sql` changes it behind the library's back. */
async function withDatabase(
  url: string,
  use: (migrate: Migrate, sql: (text: string) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const database = await createTestDatabase(url);
  const environment = { DATABASE_URL: database.url };
  try {
    await use(
      (...args) => runRecorded(["migrate", ...args], { environment }),
      (text) => withClient(database.url, (client) => client.query(text)),
    );
  } finally {
    await database.drop();
  }
}

test("up applies what is pending and tells it, and status ends with 1 before and 0 after", (url) =>
  withDatabase(url, async (migrate) => {
    const before = await migrate("status");
    assert.deepEqual([before.code, before.stderr], [1, ""]);
    for (const name of names) assert.match(before.stdout, new RegExp(`^pending  ${name}$`, "m"));
    const up = await migrate("up");
    assert.deepEqual([up.code, up.stderr], [0, ""]);
    const told = up.stdout.replaceAll(/ in \d+ ms$/gm, "").trimEnd().split("\n");
    assert.deepEqual(told, names.map((name) => `applied ${name}`));
    const after = await migrate("status");
    assert.equal(after.code, 0);
    assert.match(after.stdout, /^applied {2}0001_people {2}\d{4}-\d\d-\d\dT/);
    const again = await migrate("up");
    assert.deepEqual([again.code, again.stdout], [0, "The schema is up to date\n"]);
  }));

test("with --json, each is one document", (url) =>
  withDatabase(url, async (migrate) => {
    const before = JSON.parse((await migrate("status", "--json")).stdout);
    assert.deepEqual(before, { applied: [], pending: names, problems: [] });
    const { applied } = JSON.parse((await migrate("up", "--json")).stdout);
    assert.deepEqual(applied.map(({ name }: { name: string }) => name), names);
    assert.ok(applied.every(({ durationMs }: { durationMs: number }) => durationMs >= 0));
    const { statements, problems } = JSON.parse((await migrate("verify", "--json")).stdout);
    assert.ok(statements > 50);
    assert.deepEqual(problems, []);
  }));

test("a migration that was changed is a problem, and up refuses", (url) =>
  withDatabase(url, async (migrate, sql) => {
    await migrate("up");
    await sql("update exchange_migrations set checksum = 'other' where name = '0001_people'");
    const status = await migrate("status");
    assert.equal(status.code, 1);
    assert.match(status.stdout, /^problem {2}0001_people was edited after it was applied$/m);
    const up = await migrate("up");
    assert.equal(up.code, 1);
    assert.match(up.stderr, /^migrate: Cannot migrate: 0001_people was edited/);
  }));

test("verify ends with 0 if every statement fits the schema, and with 1 if one does not", (url) =>
  withDatabase(url, async (migrate, sql) => {
    await migrate("up");
    const fits = await migrate("verify");
    assert.equal(fits.code, 0);
    assert.match(fits.stdout, /^All \d+ statements fit the schema\n$/);
    await sql("alter table users rename column username to login");
    const broken = await migrate("verify");
    assert.equal(broken.code, 1);
    assert.match(broken.stdout, /^problem {2}.*SQLSTATE 42703$/m);
    assert.match(broken.stdout, /^\d+ problems in \d+ statements; see migrate status$/m);
  }));

test("a server that is not there ends with 1, and no password is told", async () => {
  const environment = { DATABASE_URL: "postgres://user:s3cr3t@127.0.0.1:9/x" };
  for (const command of ["up", "status", "verify"]) {
    const { code, stdout, stderr } = await runRecorded(["migrate", command], { environment });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^migrate: Cannot open database: the server refused the connection/);
    assert.doesNotMatch(stderr, /s3cr3t/);
  }
});
