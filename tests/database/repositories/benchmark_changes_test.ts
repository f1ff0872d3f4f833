import assert from "node:assert/strict";
import { test } from "node:test";
import { DatabasePool } from "../../../database/database_pool.ts";
import { changeBenchmark } from "../../../database/repositories/benchmark_changes.ts";
import { FakeDriver, NOTHING } from "../../support/fake_driver.ts";

const TARGET = { id: "00000000-0000-7000-8000-000000000000", expectedRevision: 1 };

/** What a change sends, by the first word of each text, to a database that has `rows` to return. */
async function sent(changes: object, rows: Record<string, unknown>[]): Promise<string[]> {
  const driver = new FakeDriver();
  driver.answer = () => Promise.resolve({ ...NOTHING, rows });
  await changeBenchmark(new DatabasePool(driver), TARGET, changes, true, {});
  return driver.connections.flatMap(({ texts }) => texts.map((text) => text.trim().split(" ")[0]!));
}

test("a change is one statement, and with maintainers a transaction of two", async () => {
  assert.deepEqual(await sent({ name: "a" }, [{}]), ["with"]);
  assert.deepEqual(await sent({ maintainers: [] }, [{}]), ["begin", "with", "with", "commit"]);
});

test("the maintainers of what is missing or was changed stay", async () => {
  assert.deepEqual(await sent({ maintainers: [] }, []), ["begin", "with", "commit"]);
});

test("the maintainers come back in the order of their ids", async () => {
  const driver = new FakeDriver();
  driver.answer = () => Promise.resolve({ ...NOTHING, rows: [{ maintainers: ["c"] }] });
  const changes = { maintainers: ["b", "a"] };
  const [row] = await changeBenchmark(new DatabasePool(driver), TARGET, changes, true, {});
  assert.deepEqual(row?.maintainers, ["a", "b"]);
});
