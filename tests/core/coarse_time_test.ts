import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { CoarseTime } from "../../core/coarse_time.ts";

/** A machine's clock that the test moves, and that counts who looks at it. */
interface Machine {
  nowMs: number;
  looks: number;
}

function timeTest(name: string, run: (time: CoarseTime, machine: Machine) => unknown): void {
  test(name, async () => {
    const { now } = Date;
    const machine = { nowMs: 1_000, looks: 0 };
    Date.now = () => (machine.looks++, machine.nowMs);
    try {
      await run(new CoarseTime(), machine);
    } finally {
      Date.now = now;
    }
  });
}

function call(time: CoarseTime, times: number): number[] {
  return Array.from({ length: times }, () => time.now());
}

timeTest("calls that come now and then get the exact time", (time, machine) => {
  for (let i = 0; i < 100; i++) {
    machine.nowMs += 1;
    assert.deepEqual(call(time, 32), Array(32).fill(machine.nowMs));
  }
  assert.equal(machine.looks, 3_200);
});

timeTest("a crowd shares a look, but not more than 128 further calls", (time, machine) => {
  call(time, 33);
  machine.nowMs += 5;
  assert.deepEqual(call(time, 128), Array(128).fill(1_000));
  assert.equal(machine.looks, 33);
  assert.equal(time.now(), 1_005);
});

timeTest(
  "a crowd that goes on looks at the clock for a hundredth of its calls",
  (time, machine) => {
    call(time, 100_000);
    assert.ok(machine.looks < 1_000, `${machine.looks}`);
  },
);

timeTest("nothing is shared beyond the turn of the event loop", async (time, machine) => {
  for (let turn = 0; turn < 3; turn++) {
    call(time, 50);
    await setImmediate();
    machine.nowMs += 5;
    assert.equal(time.now(), machine.nowMs);
  }
});

timeTest("a clock that was set back is believed", (time, machine) => {
  time.now();
  machine.nowMs -= 500;
  assert.equal(time.now(), 500);
});
