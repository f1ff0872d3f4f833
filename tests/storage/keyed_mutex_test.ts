import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyedMutex } from "../../storage/adapters/filesystem/keyed_mutex.ts";

test("KeyedMutex runs work on one key in order, also after a failure", async () => {
  const mutex = new KeyedMutex();
  const events: string[] = [];
  const work = (name: string, fails = false) => async (): Promise<string> => {
    events.push(`${name} starts`);
    await Promise.resolve();
    events.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const first = mutex.run("key", work("first", true));
  const second = mutex.run("key", work("second"));
  await assert.rejects(first, /first/);
  assert.equal(await second, "second");
  assert.deepEqual(events, ["first starts", "first ends", "second starts", "second ends"]);
});

test("KeyedMutex runs work on different keys side by side", async () => {
  const mutex = new KeyedMutex();
  const blocked = mutex.run("a", () => new Promise<never>(() => {}));
  assert.equal(await Promise.race([blocked, mutex.run("b", () => Promise.resolve("b"))]), "b");
});
