import assert from "node:assert/strict";
import { checkConfig } from "../../../messaging/adapters/nats/config.ts";
import { NatsServer } from "../../../messaging/adapters/nats/server.ts";
import { failureOf, withNatsServer } from "../../support/faulty_nats.ts";
import type { PrivateNats } from "../../support/private_nats.ts";
import { privateServerTest } from "../../support/services.ts";
import { until } from "../../support/until.ts";

const test = privateServerTest("nats");

const CALL = { operation: "test", timeoutMs: 5_000 };

test("a call under way when the connection breaks rejects at once, and nobody knows how it ended", async () =>
  await withServer(async ({ server, own }) => {
    const never = server.run(server.begin(CALL), "unknown", () => new Promise(() => {}));
    const reading = server.run(server.begin(CALL), "not-applied", () => new Promise(() => {}));
    const failures = Promise.all([never, reading].map(failureOf));
    await own.stop("kill");
    const told = (await failures).map((error) => [error.code, error.outcome, error.retryable]);
    assert.deepEqual(told, [["unavailable", "unknown", true], [
      "unavailable",
      "not-applied",
      true,
    ]]);
  }));

test("without a connection, calls are refused before they begin, after a moment", async () =>
  await withServer(async ({ server, own }) => {
    await own.stop("kill");
    await until("it is noticed", async () => !await works(server));
    let begun = false;
    const use = (): Promise<void> => Promise.resolve(void (begun = true));
    const error = await failureOf(server.run(server.begin(CALL), "unknown", use));
    assert.deepEqual([error.code, error.outcome], ["unavailable", "not-applied"]);
    assert.equal(begun, false);
  }));

test("a lost connection is replaced, again and again", async () =>
  await withServer(async ({ server, own }) => {
    for (let round = 0; round < 3; round++) {
      await own.stop(round === 1 ? "graceful" : "kill");
      await until("it is noticed", async () => !await works(server));
      await own.start();
      await until("it works again", () => works(server), 10_000);
    }
  }));

test("a server that hangs is noticed without any call, and found again", async () =>
  await withServer(async ({ server, own }) => {
    await own.pause();
    const waiting = server.run(
      server.begin({ ...CALL, timeoutMs: 60_000 }),
      "unknown",
      () => new Promise(() => {}),
    );
    assert.equal((await failureOf(waiting)).code, "unavailable");
    own.resume();
    await until("it works again", () => works(server), 15_000);
  }));

test("an abort and a deadline end a call, and say so", async () =>
  await withServer(async ({ server }) => {
    const controller = new AbortController();
    const call = server.begin({ ...CALL, signal: controller.signal });
    const aborted = failureOf(server.run(call, "unknown", () => new Promise(() => {})));
    controller.abort("enough");
    const { code, outcome, cause, retryable } = await aborted;
    assert.deepEqual([code, outcome, cause, retryable], ["aborted", "unknown", "enough", false]);
    const short = server.begin({ ...CALL, timeoutMs: 20 });
    const late = await failureOf(server.run(short, "unknown", () => new Promise(() => {})));
    assert.deepEqual([late.code, late.outcome, late.retryable], ["timeout", "unknown", true]);
  }));

test("closing does not wait for a server that hangs, or is away", async () => {
  await withServer(async ({ server, own }) => {
    await own.pause();
    await server.close();
  });
  await withServer(async ({ server, own }) => {
    await own.stop("kill");
    await until("it is noticed", async () => !await works(server));
    await server.close();
  });
});

async function works(server: NatsServer): Promise<boolean> {
  const call = server.begin({ ...CALL, timeoutMs: 500 });
  return await server.run(call, "not-applied", ({ jsm }) => jsm.getAccountInfo())
    .then(() => true, () => false);
}

async function withServer(
  use: (parts: { server: NatsServer; own: PrivateNats }) => Promise<void>,
): Promise<void> {
  await withNatsServer({}, async (own) => {
    const server = await NatsServer.connect(checkConfig({ url: own.url }));
    try {
      await use({ server, own });
    } finally {
      await server.close();
    }
  });
}
