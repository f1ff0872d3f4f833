import assert from "node:assert/strict";
import type { StreamBus } from "../../../messaging/streams.ts";
import { Recorder } from "../messaging/support.ts";
import { bytesOf, QUICK, readUntil, type StreamScenarios } from "./harness.ts";

/** Buries messages of a group by hand, one for each name. */
async function buryAll(bus: StreamBus, channel: string, names: readonly string[]): Promise<void> {
  const reader = await bus.reader(channel, { group: "one" });
  for (const name of names) await bus.publish(channel, name, { id: name });
  for (const entry of await readUntil(reader, names.length)) {
    const error = `no ${entry.decode().id}`;
    await reader.bury(entry, { reason: "handler_failed", error, attempts: 7 });
  }
  await reader.close();
}

/** What a group could not handle. */
export const letterScenarios: StreamScenarios = {
  "dead letters are kept with reason and bytes, the oldest first, by pages": async ({
    bus,
    channel,
  }) => {
    await buryAll(bus, channel, ["a", "b", "c"]);
    const letters = await bus.deadLetters(channel, "one");
    assert.deepEqual(letters.map(({ error, attempts }) => [error, attempts]), [
      ["no a", 7],
      ["no b", 7],
      ["no c", 7],
    ]);
    assert.deepEqual(letters.map((letter) => letter.decode().payload), ['"a"', '"b"', '"c"']);
    const [first] = await bus.deadLetters(channel, "one", { limit: 1 });
    assert.equal(first?.id, letters[0]?.id);
    const rest = await bus.deadLetters(channel, "one", { after: first?.id ?? "" });
    assert.deepEqual(rest.map(({ id }) => id), letters.slice(1).map(({ id }) => id));
    assert.deepEqual(await bus.deadLetters(channel, "another"), []);
  },

  "exactly the chosen letters are redriven, to their group only, as if for the first time": async ({
    bus,
    channel,
  }) => {
    const others = new Recorder<string>();
    await bus.subscribe(channel, ({ id }) => others.add(id), { group: "other" });
    await buryAll(bus, channel, ["a", "b", "c", "d"]);
    await others.until(4);
    const letters = await bus.deadLetters(channel, "one");
    const [, b, , d] = letters.map(({ id }) => id) as [string, string, string, string];
    assert.equal(await bus.redrive(channel, "one", [d, b, d, "99999999-0"]), 2);
    const received = new Recorder<string>();
    await bus.subscribe(channel, ({ id }, { attempt }) => received.add(`${id} ${attempt}`), {
      group: "one",
    });
    await bus.publish(channel, "new", { id: "new" });
    await received.until(3);
    assert.deepEqual([...received.values].sort(), ["b 1", "d 1", "new 1"]);
    await others.until(5);
    assert.deepEqual(others.values, ["a", "b", "c", "d", "new"]);
    const left = await bus.deadLetters(channel, "one");
    assert.deepEqual(left.map((letter) => letter.decode().id), ["a", "c"]);
    assert.equal(await bus.redrive(channel, "one", [b]), 0);
  },

  "a redriven message can be buried again, and a discarded one is gone": async ({
    bus,
    channel,
  }) => {
    await buryAll(bus, channel, ["a", "b"]);
    const [a, b] = (await bus.deadLetters(channel, "one")).map(({ id }) => id) as [string, string];
    assert.equal(await bus.discard(channel, "one", [b, b]), 1);
    assert.equal(await bus.redrive(channel, "one", [a]), 1);
    const kinds = new Recorder<string>();
    await bus.subscribe(channel, () => Promise.reject(new Error("again")), {
      group: "one",
      maxAttempts: 2,
      onProblem: ({ kind }) => kinds.add(kind),
      ...QUICK,
    });
    await kinds.until(3);
    const letters = await bus.deadLetters(channel, "one");
    assert.deepEqual(letters.map(({ error, attempts }) => [error, attempts]), [[
      "Error: again",
      2,
    ]]);
    assert.equal(letters[0]?.decode().id, "a");
  },

  "a letter whose bytes are no event can be redriven, too": async ({ bus, channel, harness }) => {
    const kinds = new Recorder<string>();
    await bus.subscribe(channel, () => {}, {
      group: "one",
      onProblem: ({ kind }) => kinds.add(kind),
    });
    const bytes = bytesOf("no event \u0000 at all");
    await harness.publishRaw(channel, bytes);
    await kinds.until(1);
    const [letter] = await bus.deadLetters(channel, "one");
    assert.equal(await bus.redrive(channel, "one", [letter?.id ?? ""]), 1);
    await kinds.until(2);
    const [again] = await bus.deadLetters(channel, "one");
    assert.deepEqual([...again?.bytes ?? []], [...bytes]);
    assert.notEqual(again?.id, letter?.id);
    assert.throws(() => again?.decode(), { name: "UndecodableMessageError" });
  },
};
