import assert from "node:assert/strict";
import { test } from "node:test";
import { Steps } from "../../../cli/demo/steps.ts";
import { recordedIo } from "../../support/recorded_io.ts";

/** Runs one step and returns what was shown meanwhile. */
async function shown(isTerminal: boolean): Promise<readonly string[]> {
  const io = recordedIo({ isTerminal });
  const steps = new Steps(io);
  const result = await steps.run("import", (progress) => {
    progress("3 of 7");
    return Promise.resolve("done");
  });
  assert.equal(result, "done");
  assert.deepEqual(steps.times.map(({ step }) => step), ["import"]);
  assert.equal(io.stdout.text, "");
  return io.stderr.pieces;
}

test("a person who watches sees the step and how far it is, and nothing of it stays", async () => {
  const erase = "\r\u001b[K";
  assert.deepEqual(await shown(true), [
    ...[`${erase}import …`, `${erase}import … 3 of 7`, erase],
  ]);
});

test("nothing is shown when nobody watches", async () => {
  assert.deepEqual(await shown(false), []);
});

test("who asks to stop is heard at the next step, and where a step says how far it is", async () => {
  const stop = new AbortController();
  const steps = new Steps(recordedIo({ signal: stop.signal }));
  const step = steps.run("import", (progress) => {
    stop.abort();
    progress("3 of 7");
    return Promise.resolve();
  });
  await assert.rejects(step, { name: "AbortError" });
  await assert.rejects(steps.run("next", () => Promise.resolve()), { name: "AbortError" });
});
