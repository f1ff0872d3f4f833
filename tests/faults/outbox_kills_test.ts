import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { migrate } from "../../database/migrator.ts";
import { userEventSchema } from "../../domain/events.ts";
import {
  checkDelivered,
  checkEffects,
  type Delivered,
  keepLedger,
  readLines,
} from "../support/outbox_history.ts";
import { note } from "../support/note.ts";
import { test as permittedTest } from "../support/permitted.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { findService, serviceTest } from "../support/services.ts";
import { Script } from "../support/spawn_script.ts";
import { until } from "../support/until.ts";

const test = serviceTest(await findService("postgres"), permittedTest);

/** In each, a process is killed that writes and relays. */
const ROUNDS = 200;

/** A machine that is busy with other things gets fewer rounds, in milliseconds. */
const LIMIT_MS = 200_000;

/** How many rounds go on at the same time. */
const LANES = 4;

/** After how many steps a process is killed at most. */
const MAX_STEPS = 30;

interface Step {
  readonly begin?: string;
  readonly done?: string;
  readonly id: string;
}

async function killInRounds(url: string, folder: string): Promise<number> {
  const endMs = performance.now() + LIMIT_MS;
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < ROUNDS && performance.now() < endMs) {
      begun++;
      const script = new Script("outbox_worker.ts", [url, folder, "write", "relay"]);
      for (let steps = Math.random() * MAX_STEPS; steps > 0; steps--) await script.line();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      await script.kill();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return begun;
}

/** The last relay is left in peace. */
async function drain(pool: DatabasePool, url: string, folder: string): Promise<void> {
  const script = new Script("outbox_worker.ts", [url, folder, "relay"]);
  const rest = "select 1 from outbox_events limit 1";
  await until("it is empty", async () => (await pool.execute(rest)).rowCount === 0, 60_000);
  await script.finish();
}

/** What is acknowledged is there, what was not begun is not, and rows and events tell the same. */
async function checkWritten(pool: DatabasePool, steps: readonly Step[]): Promise<number> {
  const { rows } = await pool.execute(`
    select u.id, u.role, array_agg(l.payload order by l.position) as events
    from users u left join ledger l on l.aggregate_id = u.id::text group by u.id`);
  const acknowledged = new Map<string, number>();
  const begun = new Map<string, number>();
  for (const { begin, id } of steps) {
    const counts = begin ? begun : acknowledged;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const counts = new Map<string, number>();
  for (const { id, role, events } of rows) {
    const [created, ...changes] = (events as unknown[]).map((one) => userEventSchema.parse(one));
    assert.equal(created?.type, "Created");
    let last: string = "registered";
    for (const change of changes) {
      assert.ok(change.type === "RoleChanged" && change.oldRole === last);
      last = change.newRole;
    }
    assert.equal(role, last);
    counts.set(String(id), changes.length + 1);
  }
  for (const [id, count] of acknowledged) assert.ok((counts.get(id) ?? 0) >= count, `lost ${id}`);
  for (const [id, count] of counts) assert.ok(count <= (begun.get(id) ?? 0), `from nowhere ${id}`);
  const { rows: strangers } = await pool.execute(
    "select id from ledger l where not exists (select from users u where u.id::text = l.aggregate_id)",
  );
  assert.deepEqual(strangers, []);
  return steps.filter(({ done }) => done).length;
}

test("processes that write and relay can be killed at any moment: nothing is lost, effects happen once", async (url) => {
  const database = await createTestDatabase(url);
  const folder = await mkdtemp(join(tmpdir(), "exchange-outbox-"));
  const pool = await createPool({ url: database.url });
  try {
    await migrate(pool);
    await keepLedger(pool);
    const rounds = await killInRounds(database.url, folder);
    await drain(pool, database.url, folder);
    const acknowledged = await checkWritten(pool, await readLines<Step>(join(folder, "history")));
    const delivered = await readLines<Delivered>(join(folder, "broker"));
    const committed = await checkDelivered(pool, delivered);
    await checkEffects(pool, delivered);
    note(
      `${rounds} kills: ${acknowledged} changes acknowledged, ${committed} events committed, ` +
        `${delivered.length} deliveries, ${committed} effects`,
    );
    assert.ok(acknowledged >= rounds, "the writers came to nothing");
    assert.ok(delivered.length > committed, "no relay was killed between publishing and marking");
  } finally {
    await pool.close();
    await database.drop();
    await rm(folder, { recursive: true });
  }
});
