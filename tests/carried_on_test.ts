import assert from "node:assert/strict";
import {
  CacheKey,
  EventChannel,
  Infrastructure,
  PostgresUserRepository,
  userEventSchema,
} from "../mod.ts";
import { test } from "./support/permitted.ts";
import { until } from "./support/until.ts";

test("a committed change leaves the cache, then arrives in the streams and at who listens", async () => {
  const exchange = await Infrastructure.embedded();
  const ada = await exchange.users.create({ email: "ada@example.org", username: "ada" });
  await until("that is carried on", async () => (await exchange.relay.stats()).pending === 0);
  const key = CacheKey.user(ada.id);
  await exchange.cache.set(key, { role: "registered" });
  const heard: string[] = [];
  await exchange.events.subscribe(EventChannel.USER, ({ type }) => heard.push(type));
  const arrived = new Promise<unknown>((resolve) =>
    exchange.streams.subscribe(EventChannel.USER, async (message) => {
      if (message.type !== "RoleChanged") return;
      const { userId, newRole } = message.deserialize(userEventSchema) as Record<string, unknown>;
      resolve([userId, newRole, message.partitionKey, await exchange.cache.get(key)]);
    }, { group: "test" })
  );
  await exchange.users.updateRole(ada.id, "reviewer");
  assert.deepEqual(await arrived, [ada.id, "reviewer", ada.id, undefined]);
  await until("it is heard, too", () => heard.includes("RoleChanged"));
  await exchange.close();
});

test("a change that was rolled back is carried nowhere", async () => {
  const exchange = await Infrastructure.embedded();
  const failure = new Error("no");
  await assert.rejects(
    exchange.database.transaction(async (tx) => {
      await new PostgresUserRepository(tx).create({ email: "a@example.org", username: "ada" });
      throw failure;
    }),
    failure,
  );
  const bob = await exchange.users.create({ email: "bob@example.org", username: "bob" });
  const seen = await new Promise((resolve) =>
    exchange.streams.subscribe(EventChannel.USER, ({ partitionKey }) => resolve(partitionKey), {
      group: "test",
    })
  );
  assert.equal(seen, bob.id);
  await exchange.close();
});
