import assert from "node:assert/strict";
import { BURIED, buryAll, withBuriedEvents, withDeadEvents } from "../../support/dead_letters.ts";
import { runRecorded } from "../../support/recorded_io.ts";
import { withRedis } from "../../support/redis.ts";
import { findService, privateServerTest, serviceTest } from "../../support/services.ts";

const postgresTest = serviceTest(await findService("postgres"));
const redisTest = privateServerTest("redis");

const list = (environment: Record<string, string>, ...args: readonly string[]) =>
  runRecorded(["events", "dead-letters", ...args], { environment });

postgresTest(
  "dead events of the outbox are listed, the oldest first, as many as asked for",
  (url) =>
    withDeadEvents(url, ["a", "b", "c"], async (environment, ids) => {
      const { code, stdout, stderr } = await list(environment, "--limit", "2");
      assert.deepEqual([code, stderr], [0, ""]);
      const lines = stdout.split("\n");
      assert.match(lines[0]!, new RegExp(`^${ids[0]} {2}\\d{4}-.*Z {2}.* of .* a, 7 attempts$`));
      assert.equal(lines[1], "  Error: refused");
      assert.ok(lines[2]!.startsWith(ids[1]!));
      assert.match(stdout, /^These are the first 2; --limit shows more$/m);
      const { deadLetters } = JSON.parse((await list(environment, "--json")).stdout);
      assert.deepEqual(deadLetters.map(({ id }: { id: string }) => id), ids);
      assert.equal(deadLetters[0].lastError, "Error: refused");
    }),
);

redisTest(
  "dead letters of a stream are listed, with the event that died",
  () =>
    withBuriedEvents([{ name: "first" }, { name: "second" }], async (environment) => {
      const { code, stdout } = await list(environment, ...BURIED);
      assert.equal(code, 0);
      assert.equal(
        stdout.match(/Scored .* \(handler_failed\), 5 attempts\n {2}Error: out of luck/g)?.length,
        2,
      );
      const { deadLetters } = JSON.parse((await list(environment, ...BURIED, "--json")).stdout);
      assert.deepEqual(
        deadLetters.map((one: { event: { payload: unknown } }) => one.event.payload),
        [
          { name: "first" },
          { name: "second" },
        ],
      );
      const { channel, group, reason, event: { type }, attempts } = deadLetters[0];
      assert.deepEqual([channel, group, reason, type, attempts], [
        ...["events:submission", "scoring", "handler_failed", "Scored", 5],
      ]);
    }),
);

redisTest(
  "of what is no event, the bytes are in base64",
  () =>
    withBuriedEvents([1], async (environment) => {
      const key = "exchange/stream/{events:submission}";
      await withRedis(environment.REDIS_URL, (send) => send("XADD", key, "*", "d", "no event"));
      await buryAll(environment.REDIS_URL);
      const { stdout } = await list(environment, ...BURIED);
      assert.match(stdout, / not an event \(handler_failed\), 5 attempts$/m);
      const { deadLetters } = JSON.parse((await list(environment, ...BURIED, "--json")).stdout);
      assert.equal(deadLetters[1].bytes, "bm8gZXZlbnQ=");
    }),
);

redisTest(
  "where there are none, it says so, and ends with 0",
  () =>
    withBuriedEvents([], async (environment) => {
      const { code, stdout } = await list(environment, ...BURIED);
      assert.deepEqual([code, stdout], [0, "There are no dead letters\n"]);
      const json = await list(environment, ...BURIED, "--json");
      assert.deepEqual(JSON.parse(json.stdout), { deadLetters: [] });
    }),
);
