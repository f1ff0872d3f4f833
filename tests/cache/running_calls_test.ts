import assert from "node:assert/strict";
import { test } from "node:test";
import { RunningCalls } from "../../cache/running_calls.ts";

test("those that run are waited for, also when they fail", async () => {
  const calls = new RunningCalls();
  const [one, two] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const tracked = [calls.track(one.promise), calls.track(two.promise)];
  let isOver = false;
  const settled = calls.settled().then(() => isOver = true);
  one.resolve("value");
  assert.equal(await tracked[0], "value");
  two.reject(new Error("failed"));
  assert.equal(isOver, false);
  await assert.rejects(tracked[1]!, /failed/);
  await settled;
});
