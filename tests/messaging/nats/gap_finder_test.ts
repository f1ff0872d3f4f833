import assert from "node:assert/strict";
import { withNatsBus } from "../../support/faulty_nats.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("nats");

const CHANNEL = "events:user";

test("what the server's limits removed is reported to the group, once", async () =>
  await withNatsBus(
    async ({ bus }) => {
      const reader = await bus.reader(CHANNEL, { group: "slow" });
      for (let i = 1; i <= 9; i++) await bus.publish(CHANNEL, {}, { id: String(i) });
      const { entries, lost } = await reader.read();
      assert.equal(lost, 6);
      assert.deepEqual(entries.map((entry) => entry.decode().id), ["7", "8", "9"]);
      await reader.ack(entries);
      assert.equal((await reader.read({ waitMs: 0 })).lost, 0);
    },
    {},
    { maxRecords: 3 },
  ));

test("of the readers of a group, one is told", async () =>
  await withNatsBus(
    async ({ bus }) => {
      const readers = await Promise.all(
        Array.from({ length: 3 }, () => bus.reader(CHANNEL, { group: "slow" })),
      );
      for (let i = 1; i <= 9; i++) await bus.publish(CHANNEL, { i });
      let lost = 0;
      for (const reader of [...readers, ...readers]) {
        lost += (await reader.read({ max: 1, waitMs: 0 })).lost;
      }
      assert.equal(lost, 6);
    },
    {},
    { maxRecords: 3 },
  ));

test("what was removed while no reader was there is told to the next one", async () =>
  await withNatsBus(
    async ({ bus }) => {
      const before = await bus.reader(CHANNEL, { group: "slow" });
      await bus.publish(CHANNEL, {});
      await before.ack((await before.read()).entries);
      await before.close();
      for (let i = 1; i <= 9; i++) await bus.publish(CHANNEL, { i });
      const reader = await bus.reader(CHANNEL, { group: "slow" });
      assert.equal((await reader.read()).lost, 6);
    },
    {},
    { maxRecords: 3 },
  ));

test("a group that begins in the middle has lost nothing", async () =>
  await withNatsBus(
    async ({ bus }) => {
      for (let i = 1; i <= 9; i++) await bus.publish(CHANNEL, { i });
      for (const from of ["beginning", { after: "2" }, { after: "8" }] as const) {
        const group = crypto.randomUUID();
        const reader = await bus.reader(CHANNEL, { group, from });
        const { entries, lost } = await reader.read();
        assert.equal(lost, 0);
        assert.equal(entries.at(-1)?.position, "9");
      }
    },
    {},
    { maxRecords: 3 },
  ));
