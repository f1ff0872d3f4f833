import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RabbitMqNames } from "../../../messaging/adapters/rabbitmq/names.ts";

describe("RabbitMqNames", () => {
  const names = new RabbitMqNames("exchange");

  test("say what a thing is for", () => {
    assert.equal(names.exchange("events:benchmark"), "exchange/events:benchmark");
    assert.equal(names.queue("events:benchmark", "boards"), "exchange/events:benchmark/boards");
    const letters = "exchange/events:benchmark/boards/dead-letters";
    assert.equal(names.letters("events:benchmark", "boards"), letters);
  });

  test("are different for different things", () => {
    const all = ["a", "a.b"].flatMap((prefix) =>
      ["b", "b:c", "b.c", "a.b"].flatMap((channel) => {
        const those = new RabbitMqNames(prefix);
        return ["c", "b.c", "dead-letters", "turn"].flatMap((group) => [
          those.exchange(channel),
          those.queue(channel, group),
          those.letters(channel, group),
          those.turn(channel, group),
        ]);
      })
    );
    const exchanges = 8;
    assert.equal(new Set(all).size, exchanges + 8 * 4 * 3);
  });

  test("fit into what AMQP can carry, and stay different", () => {
    const channel = "c".repeat(200);
    const long = ["a", "b"].flatMap((end) => {
      const group = `${"g".repeat(99)}${end}`;
      return [
        names.queue(channel, group),
        names.letters(channel, group),
        names.turn(channel, group),
      ];
    });
    assert.equal(new Set(long).size, 6);
    for (const name of long) assert.ok(name.length <= 255 && name.startsWith("exchange/ccc"), name);
    assert.equal(names.queue(channel, "g"), `exchange/${channel}/g`);
  });
});
