import assert from "node:assert/strict";
import { systemClock } from "../../../core/clock.ts";
import { checkConfig } from "../../../messaging/adapters/rabbitmq/config.ts";
import { RabbitMqConnection } from "../../../messaging/adapters/rabbitmq/connection.ts";
import { RabbitMqTurns } from "../../../messaging/adapters/rabbitmq/turns.ts";
import { gate } from "../../conformance/messaging/support.ts";
import { failureOf } from "../../support/faulty_rabbitmq.ts";
import { RabbitMqPlace } from "../../support/rabbitmq.ts";
import { findService, serviceTest } from "../../support/services.ts";

const test = serviceTest(await findService("rabbitmq"));

const CALL = { operation: "redrive", timeoutMs: 10_000 };

test("one works at a time, of one process and of several, in the end all of them", (url) =>
  withTurns(url, async ({ name, one, two }) => {
    let atWork = 0;
    let done = 0;
    const work = async (): Promise<void> => {
      assert.equal(++atWork, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      atWork--;
      done++;
    };
    await Promise.all([one, two, one, two].map((turns) => turns.take(name, CALL, work)));
    assert.equal(done, 4);
  }));

test("who waits for a turn longer than allowed gets a timeout, and who comes after is served", (url) =>
  withTurns(url, async ({ name, one, two }) => {
    const working = gate();
    const first = one.take(name, CALL, () => working.opened);
    const short = { ...CALL, timeoutMs: 100 };
    for (const turns of [one, two]) {
      const error = await failureOf(turns.take(name, short, () => Promise.resolve()));
      assert.deepEqual([error.code, error.outcome], ["timeout", "not-applied"]);
    }
    const third = one.take(name, CALL, () => Promise.resolve(3));
    working.open();
    assert.equal(await third, 3);
    await first;
  }));

test("what a turn is for may fail, and a turn ends with its connection", (url) =>
  withTurns(url, async ({ name, one, two, connection }) => {
    await assert.rejects(one.take(name, CALL, () => Promise.reject(new Error("no"))), /no/);
    const working = gate();
    const begun = gate();
    const lost = one.take(name, CALL, () => {
      begun.open();
      return working.opened;
    });
    await begun.opened;
    await connection.close();
    assert.equal(await two.take(name, CALL, () => Promise.resolve(2)), 2);
    working.open();
    await lost;
  }));

async function withTurns(
  url: string,
  use: (parts: {
    readonly name: string;
    readonly one: RabbitMqTurns;
    readonly two: RabbitMqTurns;
    readonly connection: RabbitMqConnection;
  }) => Promise<void>,
): Promise<void> {
  const name = new RabbitMqPlace(url).names.turn("a", "g");
  const connections = await Promise.all(
    [1, 2].map(() => RabbitMqConnection.open(checkConfig({ url }))),
  ) as [RabbitMqConnection, RabbitMqConnection];
  const [one, two] = connections.map((each) => new RabbitMqTurns(each, systemClock)) as [
    RabbitMqTurns,
    RabbitMqTurns,
  ];
  try {
    await use({ name, one, two, connection: connections[0] });
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
}
