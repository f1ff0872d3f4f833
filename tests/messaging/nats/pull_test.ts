import assert from "node:assert/strict";
import { nanos } from "@nats-io/transport-node";
import { systemClock } from "../../../core/clock.ts";
import { pull, type Pulled } from "../../../messaging/adapters/nats/pull.ts";
import { type NatsClient, testPrefix, withNats } from "../../support/nats.ts";
import { findService, serviceTest } from "../../support/services.ts";

const test = serviceTest(await findService("nats"));

test("a pull takes what there is, and no more than asked for", (url) =>
  withConsumer(url, async ({ publish, ask }) => {
    await publish(5);
    assert.deepEqual(await ask({ max: 3 }), ["done", "1", "2", "3"]);
    assert.deepEqual(await ask({ max: 3 }), ["done", "4", "5"]);
    assert.deepEqual(await ask({ max: 3, waitMs: 0 }), ["done"]);
  }));

test("a pull waits for the first message, and no longer than it may", (url) =>
  withConsumer(url, async ({ publish, ask }) => {
    const waiting = ask({ waitMs: 5_000 });
    await publish(1);
    assert.deepEqual(await waiting, ["done", "1"]);
    assert.deepEqual(await ask({ waitMs: 10.5 }), ["done"]);
  }));

test("a pull that is aborted has what came, and what comes later is not lost to it", (url) =>
  withConsumer(url, async ({ publish, ask }) => {
    const controller = new AbortController();
    const waiting = ask({ waitMs: 5_000, signal: controller.signal });
    controller.abort();
    assert.deepEqual(await waiting, ["done"]);
    await publish(1);
    assert.deepEqual(await ask({}), ["done", "1"]);
  }));

test("a pull tells that its consumer is deleted, and that there is none", (url) =>
  withConsumer(url, async ({ client: { jsm }, name, ask }) => {
    const waiting = ask({ waitMs: 5_000 });
    await jsm.consumers.delete(name, "group");
    assert.deepEqual(await waiting, ["gone"]);
    // Nobody answers for a consumer that is not there.
    assert.deepEqual(await ask({ waitMs: 10 }), ["silent"]);
  }));

interface Parts {
  readonly client: NatsClient;
  readonly name: string;
  readonly publish: (count: number) => Promise<void>;
  /** How a pull ended, and the sequences that it brought. */
  readonly ask: (
    request: { max?: number; waitMs?: number; signal?: AbortSignal },
  ) => Promise<string[]>;
}

async function withConsumer(url: string, use: (parts: Parts) => Promise<void>): Promise<void> {
  const name = testPrefix();
  await withNats(url, async (client) => {
    const { nc, jsm } = client;
    await jsm.streams.add({ name, subjects: [name] });
    await jsm.consumers.add(name, {
      durable_name: "group",
      ack_policy: "explicit",
      ack_wait: nanos(60_000),
    });
    const toText = ({ end, messages }: Pulled): string[] => [
      end,
      ...messages.map(({ reply }) => reply?.split(".")[5] ?? ""),
    ];
    try {
      await use({
        client,
        name,
        publish: async (count) => {
          for (let i = 0; i < count; i++) await nc.request(name, "", { timeout: 5_000 });
        },
        ask: async ({ max = 10, waitMs = 1_000, signal }) => {
          const request = { stream: name, consumer: "group", max, waitMs, graceMs: 300, signal };
          return toText(await pull(nc, request, systemClock));
        },
      });
    } finally {
      await jsm.streams.delete(name);
    }
  });
}
