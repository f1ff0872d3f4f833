import assert from "node:assert/strict";
import { test } from "node:test";
import { Steps } from "../../examples/demo/steps.ts";

/** Runs one step and returns what was shown meanwhile. */
async function shown(isTTY: boolean): Promise<string[]> {
  const texts: string[] = [];
  const steps = new Steps({ isTTY, write: (text) => texts.push(text) });
  const result = await steps.run("import", (progress) => {
    progress("3 of 7");
    return Promise.resolve("done");
  });
  assert.equal(result, "done");
  assert.deepEqual(steps.times.map(({ step }) => step), ["import"]);
  return texts;
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
