import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../core/clock.ts";
import { test as permittedTest } from "../support/permitted.ts";
import { runCommand } from "../support/run_command.ts";

test("the wall clock is the machine's, the other one never goes back", () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1_000);
  const first = systemClock.monotonic();
  const second = systemClock.monotonic();
  assert.ok(second >= first);
});

test("the coarse clock is the machine's, too, and looks at it less often", () => {
  const { now } = Date;
  let looks = 0;
  Date.now = () => (looks++, 5_000);
  try {
    for (let i = 0; i < 1_000; i++) assert.equal(systemClock.coarseNow?.(), 5_000);
  } finally {
    Date.now = now;
  }
  assert.ok(looks < 100, `${looks}`);
});

test("a callback is called once, after the delay", async () => {
  const startMs = systemClock.monotonic();
  let calls = 0;
  let elapsedMs = 0;
  systemClock.after(30, () => {
    calls++;
    elapsedMs = systemClock.monotonic() - startMs;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(calls, 1);
  // Timers may fire up to one millisecond early.
  assert.ok(elapsedMs >= 29, `${elapsedMs}`);
});

test("a cancelled callback is not called", async () => {
  let called = false;
  const cancel = systemClock.after(5, () => called = true);
  cancel();
  cancel();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(called, false);
});

test("a delay longer than setTimeout can wait is waited in steps", () => {
  const steps: { ms: number; fire: () => void }[] = [];
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((fire: () => void, ms: number) => steps.push({ ms, fire })) as never;
  try {
    let calls = 0;
    const longest = 2 ** 31 - 1;
    systemClock.after(2 * longest + 5, () => calls++);
    for (let i = 0; i < steps.length && i < 10; i++) {
      assert.equal(calls, 0);
      steps[i]!.fire();
    }
    assert.deepEqual(steps.map(({ ms }) => ms), [longest, longest, 5]);
    assert.equal(calls, 1);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});

permittedTest("a waiting background timer does not keep the process alive", async () => {
  assert.deepEqual(await runFixture("waiting_timer.ts"), { code: 0, output: "waiting\n" });
});

permittedTest("a pause that somebody awaits keeps the process alive until it is over", async () => {
  assert.deepEqual(await runFixture("awaited_delay.ts"), { code: 0, output: "over\n" });
});

async function runFixture(name: string): Promise<{ code: number | null; output: string }> {
  const script = fileURLToPath(new URL(`../support/fixtures/${name}`, import.meta.url));
  const args = "Deno" in globalThis ? ["run", "--no-check", script] : [script];
  const signal = AbortSignal.timeout(30_000);
  const { code, output } = await runCommand(process.execPath, args, { signal });
  return { code, output };
}
