import assert from "node:assert/strict";
import { test } from "node:test";
import { newId } from "../../../domain/ids.ts";
import { BURIED, withBuriedEvents, withDeadEvents } from "../../support/dead_letters.ts";
import { runRecorded } from "../../support/recorded_io.ts";
import { findService, privateServerTest, serviceTest } from "../../support/services.ts";

const postgresTest = serviceTest(await findService("postgres"));
const redisTest = privateServerTest("redis");

const redrive = (environment: Record<string, string>, ...args: readonly string[]) =>
  runRecorded(["events", "redrive", ...args], { environment });

/** The ids of all dead letters. */
async function deadIds(
  environment: Record<string, string>,
  ...args: readonly string[]
): Promise<string[]> {
  const command = ["events", "dead-letters", "--json", ...args];
  const { deadLetters } = JSON.parse((await runRecorded(command, { environment })).stdout);
  return deadLetters.map(({ id }: { id: string }) => id);
}

postgresTest(
  "events of the outbox are tried again by id, and it ends with 1 if one was not dead",
  (url) =>
    withDeadEvents(url, ["a", "b", "c"], async (environment, ids) => {
      const one = await redrive(environment, ids[1]!, ids[1]!);
      assert.deepEqual([one.code, one.stdout], [0, "1 dead letter is tried again\n"]);
      assert.deepEqual(await deadIds(environment), [ids[0], ids[2]]);
      const some = await redrive(environment, ids[0]!, newId(), ids[1]!);
      assert.deepEqual([some.code, some.stdout], [
        ...[1, "1 dead letter is tried again; 2 of 3 ids are of none\n"],
      ]);
      const malformed = await redrive(environment, "1");
      assert.equal(malformed.code, 2, malformed.stderr);
      assert.deepEqual(await deadIds(environment), [ids[2]]);
    }),
);

postgresTest("with --all, all are tried again, also more than fit into one call", (url) => {
  const names = Array.from({ length: 1_003 }, (_, index) => `${index}`);
  return withDeadEvents(url, names, async (environment) => {
    const { code, stdout } = await redrive(environment, "--all", "--json");
    assert.deepEqual([code, JSON.parse(stdout)], [0, { asked: 1_003, redriven: 1_003 }]);
    assert.deepEqual(await deadIds(environment), []);
    const again = await redrive(environment, "--all");
    assert.deepEqual([again.code, again.stdout], [0, "0 dead letters are tried again\n"]);
  });
});

redisTest(
  "letters of a stream are tried again by id or all",
  () =>
    withBuriedEvents([1, 2, 3], async (environment) => {
      const [first = "", ...rest] = await deadIds(environment, ...BURIED);
      assert.equal((await redrive(environment, ...BURIED, first)).code, 0);
      assert.deepEqual(await deadIds(environment, ...BURIED), rest);
      const unknown = await redrive(environment, ...BURIED, first);
      assert.equal(unknown.code, 1);
      const all = await redrive(environment, ...BURIED, "--all", "--json");
      assert.deepEqual([all.code, JSON.parse(all.stdout)], [0, { asked: 2, redriven: 2 }]);
      assert.deepEqual(await deadIds(environment, ...BURIED), []);
    }),
);

test("ids and --all exclude each other, and one of them is needed", async () => {
  for (const args of [[], ["--all", newId()]]) {
    const { code, stderr } = await redrive({}, ...args);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^events: Cannot redrive: give ids, or --all, and not both; see events redrive/,
    );
  }
});
