import { RedisStreamBus } from "../../messaging/adapters/redis_streams.ts";
import { createPool } from "../../database/create_pool.ts";
import { migrate } from "../../database/migrator.ts";
import { createTestDatabase, withClient } from "./postgres.ts";
import { startRedis } from "./private_redis.ts";
import { fillOutbox } from "./outbox.ts";

/** Uses a database of its own with a dead event for each name; they died one after the other. */
export async function withDeadEvents(
  url: string,
  names: readonly string[],
  use: (environment: { readonly DATABASE_URL: string }, ids: readonly string[]) => Promise<void>,
): Promise<void> {
  const database = await createTestDatabase(url);
  try {
    const pool = await createPool({ url: database.url });
    await migrate(pool);
    await fillOutbox(pool, names);
    await pool.close();
    const rows = await withClient(database.url, async (client) => {
      await client.query(
        "update outbox_events set dead_at = now(), attempts = 7, last_error = 'Error: refused'",
      );
      return (await client.query("select id from outbox_events order by position")).rows;
    });
    await use({ DATABASE_URL: database.url }, rows.map(({ id }) => id));
  } finally {
    await database.drop();
  }
}

const CHANNEL = "events:submission";
const GROUP = "scoring";

/** The options that name where {@linkcode withBuriedEvents} buries. */
export const BURIED: readonly string[] = ["--channel", CHANNEL, "--group", GROUP];

/** Uses a Redis of its own with a dead letter for each payload. */
export async function withBuriedEvents(
  payloads: readonly unknown[],
  use: (environment: { readonly REDIS_URL: string }) => Promise<void>,
): Promise<void> {
  const server = await startRedis();
  try {
    const bus = await RedisStreamBus.connect({ url: server.url });
    for (const payload of payloads) await bus.publish(CHANNEL, payload, { type: "Scored" });
    await bus.close();
    await buryAll(server.url);
    await use({ REDIS_URL: server.url });
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

/** Makes dead letters of all that the group has not had. */
export async function buryAll(url: string): Promise<void> {
  const bus = await RedisStreamBus.connect({ url });
  const reader = await bus.reader(CHANNEL, { group: GROUP });
  const { entries } = await reader.read({ waitMs: 0 });
  const death = { reason: "handler_failed", error: "Error: out of luck", attempts: 5 } as const;
  for (const entry of entries) await reader.bury(entry, death);
  await bus.close();
}
