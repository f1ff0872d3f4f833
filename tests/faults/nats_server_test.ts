import assert from "node:assert/strict";
import type { StreamProblem } from "../../messaging/streams.ts";
import { failureOf, withNatsBus } from "../support/faulty_nats.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("nats");

const CHANNEL = "events:submission";

test("what a paused server is asked settles by its deadline, and works when it is back", async () =>
  await withNatsBus(async ({ server, bus }) => {
    const reader = await bus.reader("events:user", { group: "all" });
    await server.pause();
    const deadline = { timeoutMs: 300 };
    const publishing = bus.publish("events:user", {}, { id: "1", ...deadline });
    const calls = [
      publishing,
      bus.pending("events:user", "all", deadline),
      bus.health(deadline),
      reader.read({ waitMs: 100, ...deadline }),
      bus.trim("events:user", { keep: 0, ...deadline }),
      bus.reader("events:other", { group: "all", ...deadline }),
    ];
    for (const error of await Promise.all(calls.map(failureOf))) {
      assert.equal(error.code, "timeout", error.message);
    }
    const { outcome, retryable } = await failureOf(publishing);
    assert.deepEqual([outcome, retryable], ["unknown", true]);
    server.resume();
    await bus.health();
    // The server got it, although nobody knew: once, and it is the same event.
    await bus.publish("events:user", {}, { id: "1" });
    await bus.publish("events:user", {}, { id: "2" });
    const read: string[] = [];
    while (read.length < 2) {
      const { entries } = await reader.read();
      read.push(...entries.map((entry) => entry.decode().id));
    }
    assert.deepEqual(read, ["1", "2"]);
  }));

test("a crash of the server loses nothing that was acknowledged, and the subscription goes on", async () =>
  await withNatsBus(async ({ server, bus, problems }) => {
    const got = new Set<string>();
    await bus.subscribe(CHANNEL, (message) => void got.add(message.id), {
      group: "all",
      takeOverMs: 1_000,
      concurrency: 10,
    });
    const accepted = new Set<string>();
    let publishing = true;
    const publisher = (async () => {
      for (let i = 0; publishing; i++) {
        const id = `id-${i}`;
        await bus.publish(CHANNEL, { i }, { id, timeoutMs: 1_000 })
          .then(() => accepted.add(id), () => new Promise((resolve) => setTimeout(resolve, 20)));
      }
    })();
    await until("some are accepted", () => accepted.size > 100);
    await server.stop("kill");
    await until("it is noticed", () => problems.values.some(isInterruption));
    const { code, outcome } = await failureOf(bus.publish(CHANNEL, {}));
    assert.deepEqual([code, outcome], ["unavailable", "not-applied"]);
    const before = accepted.size;
    await server.start();
    await until("more are accepted", () => accepted.size > before + 100, 15_000);
    publishing = false;
    await publisher;
    await until("all have come", () => [...accepted].every((id) => got.has(id)), 15_000);
  }));

function isInterruption({ kind }: StreamProblem): boolean {
  return kind === "interrupted";
}
