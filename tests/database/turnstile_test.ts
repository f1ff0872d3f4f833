import assert from "node:assert/strict";
import { test } from "node:test";
import { Turnstile } from "../../database/turnstile.ts";

const { signal } = new AbortController();
const patient = { leftMs: 30_000, signal };

test("one caller of a name is let through at a time, in order, and other names are free", async () => {
  const turnstile = new Turnstile();
  const log: string[] = [];
  const pass = async (who: string): Promise<void> => {
    const leave = await turnstile.enter("n", patient);
    log.push(`${who} enters`);
    await new Promise((resolve) => setImmediate(resolve));
    log.push(`${who} leaves`);
    leave!();
  };
  const first = await turnstile.enter("other", patient);
  await Promise.all(["a", "b", "c"].map(pass));
  const turns = ["a", "b", "c"].flatMap((who) => [`${who} enters`, `${who} leaves`]);
  assert.deepEqual(log, turns);
  first!();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(turnstile.size, 0);
});

test("who cannot wait any longer leaves the queue, and those behind keep their place", async () => {
  const turnstile = new Turnstile();
  const leave = await turnstile.enter("n", patient);
  const caller = new AbortController();
  const impatient = turnstile.enter("n", { leftMs: 10, signal });
  const aborted = turnstile.enter("n", { leftMs: 30_000, signal: caller.signal });
  let served = false;
  const last = turnstile.enter("n", patient).then((end) => (served = true, end));
  assert.equal(await turnstile.enter("n", { leftMs: 0, signal }), undefined);
  caller.abort();
  assert.deepEqual([await impatient, await aborted, served], [undefined, undefined, false]);
  leave!();
  (await last)!();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(turnstile.size, 0);
});
