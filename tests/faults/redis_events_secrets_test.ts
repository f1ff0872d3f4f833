import assert from "node:assert/strict";
import { inspect } from "node:util";
import { createClient } from "redis";
import { ConfigurationError, InfrastructureError, MessagingError } from "../../core/errors.ts";
import { type RedisClientLike, RedisEventBus } from "../../messaging/adapters/redis.ts";
import type { RedisEventBusConfig } from "../../messaging/adapters/redis.ts";
import type { EventBus } from "../../messaging/messaging.ts";
import { withBus } from "../support/faulty_events.ts";
import { Reports, withServer } from "../support/faulty_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

/** No error may show these, however they are encoded. */
const SECRETS = ["canary-7d20", "canary-51c7", "canary-payload-9e02"];

const PASSWORD = encodeURIComponent("canary-7d20/ü@:");
const WRONG = encodeURIComponent("canary-51c7 #?");

const test = privateServerTest("redis");

test("a malformed URL is a mistake of the configuration that does not show it", async () => {
  for (const url of [`redis://:${PASSWORD}@host:port`, `http://:${PASSWORD}@host`, PASSWORD]) {
    for (const config of [{ url }, { cluster: ["redis://host", url] }]) {
      assert.ok(await failureOf(config) instanceof ConfigurationError, url);
    }
  }
});

test("what a server refuses or cannot do shows no password", () =>
  withServer({ password: decodeURIComponent(PASSWORD) }, async ({ port, url }) => {
    const host = `127.0.0.1:${port}`;
    const sources: readonly (RedisEventBusConfig | RedisClientLike)[] = [
      { url: `redis://:${WRONG}@${host}` },
      { url: `rediss://:${WRONG}@${host}` },
      { url: `${url}/99999` },
      { url: `redis://:${PASSWORD}@missing.invalid:6379` },
      { cluster: [url] },
      createClient({ url: `redis://:${WRONG}@${host}` }),
    ];
    for (const source of sources) assert.ok(await failureOf(source) instanceof MessagingError);
  }));

const CALLS: readonly ((bus: EventBus) => Promise<unknown>)[] = [
  (bus) => bus.publish("events:user", "canary-payload-9e02"),
  (bus) => bus.publishMany(["events:user", "events:other"], "canary-payload-9e02"),
  (bus) => bus.publish("events:user", { a: "canary-payload-9e02", b: NaN }),
  (bus) => bus.subscribe("events:other", () => {}, { timeoutMs: 200 }),
  (bus) => bus.health(),
];

test("no error of a call, no report and no view of the bus shows a password or a payload", () =>
  withServer(
    { password: decodeURIComponent(PASSWORD) },
    (server) =>
      withBus({ url: server.url, onProblem: showsNoSecret }, async ({ bus, reports }) => {
        const failAll = async (): Promise<void> => {
          for (const call of CALLS) await call(bus).catch(showsNoSecret);
          showsNoSecret(bus);
        };
        await bus.subscribe("events:user", () => {
          throw new Error("the handler failed");
        }, { onProblem: () => {} });
        await failAll();
        await server.stop("kill");
        await until("it is noticed", () => reports.of("messaging.subscription_lost").length > 0);
        await failAll();
        assert.ok(reports.records.length > 0);
        showsNoSecret(reports);
      }),
  ));

/** The error of an attempt to connect, which with all that was reported shows no secret. */
async function failureOf(
  source: RedisEventBusConfig | RedisClientLike,
): Promise<InfrastructureError> {
  const options = { observer: new Reports(), connectTimeoutMs: 1_000 };
  const config = "duplicate" in source ? source : { ...source, ...options };
  const error = await RedisEventBus.connect(config, options).then(
    () => undefined,
    (error) => error,
  );
  assert.ok(error instanceof InfrastructureError, String(error));
  showsNoSecret(error);
  showsNoSecret(options.observer);
  return error;
}

function showsNoSecret(thing: unknown): void {
  const shown = viewsOf(thing).join("\n");
  for (const secret of SECRETS) assert.ok(!shown.includes(secret), shown);
}

/** Everything that a logger may make of it. */
function viewsOf(thing: unknown): string[] {
  const { message, stack, cause } = Object(thing) as Partial<Error>;
  return [
    inspect(thing, { depth: 10, showHidden: true }),
    JSON.stringify(thing),
    String(thing),
    String(message),
    String(stack),
    ...(cause === undefined ? [] : viewsOf(cause)),
  ];
}
