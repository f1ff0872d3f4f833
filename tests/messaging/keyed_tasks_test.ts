import assert from "node:assert/strict";
import { gate } from "../conformance/messaging/support.ts";
import { KeyedTasks } from "../../messaging/keyed_tasks.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { setImmediate as nextTurn } from "node:timers/promises";
import { test } from "node:test";

/** Tasks that say when they begin, and end when the test says so. */
class Stage {
  readonly begun: string[] = [];
  readonly clock = new ManualClock();
  readonly tasks: KeyedTasks;
  readonly #ends = new Map<string, (pauseMs?: number) => void>();

  constructor(concurrency: number) {
    this.tasks = new KeyedTasks(concurrency, this.clock);
  }

  add(name: string, key?: string): void {
    const run = (): Promise<number | undefined> => {
      this.begun.push(name);
      return new Promise((resolve) => this.#ends.set(name, resolve));
    };
    this.tasks.add({ key, run });
  }

  async end(name: string, pauseMs?: number): Promise<void> {
    this.#ends.get(name)?.(pauseMs);
    await nextTurn();
  }
}

test("as many tasks run at once as there are places, in the order in which they were added", async () => {
  const stage = new Stage(2);
  for (const name of ["a", "b", "c", "d"]) stage.add(name);
  assert.deepEqual(stage.begun, ["a", "b"]);
  await stage.end("b");
  assert.deepEqual(stage.begun, ["a", "b", "c"]);
  await stage.end("a");
  assert.deepEqual(stage.begun, ["a", "b", "c", "d"]);
});

test("a task that is done at once makes room for the next, and none runs inside another", () => {
  const stage = new Stage(1);
  const log: string[] = [];
  const run = (name: string): undefined => void log.push(name);
  stage.tasks.add({
    key: undefined,
    run: () => {
      stage.tasks.add({ key: "x", run: () => run("b") });
      stage.tasks.add({ key: "x", run: () => run("c") });
      return run("a");
    },
  });
  assert.deepEqual(log, ["a", "b", "c"]);
});

test("tasks of one key run one after the other, those of others meanwhile", async () => {
  const stage = new Stage(3);
  stage.add("x1", "x");
  stage.add("x2", "x");
  stage.add("x3", "x");
  stage.add("y1", "y");
  stage.add("none");
  assert.deepEqual(stage.begun, ["x1", "y1", "none"]);
  await stage.end("y1");
  assert.deepEqual(stage.begun.length, 3);
  await stage.end("x1");
  await stage.end("x2");
  assert.deepEqual(stage.begun, ["x1", "y1", "none", "x2", "x3"]);
  await stage.end("x3");
  stage.add("x4", "x");
  assert.equal(stage.begun.at(-1), "x4");
});

test("a task that has to run again holds back its key and no place", async () => {
  const stage = new Stage(1);
  stage.add("x1", "x");
  stage.add("x2", "x");
  stage.add("y1", "y");
  stage.add("y2", "y");
  await stage.end("x1", 100);
  assert.deepEqual(stage.begun, ["x1", "y1"]);
  stage.clock.advance(100);
  await stage.end("y1");
  assert.deepEqual(stage.begun, ["x1", "y1", "x1"]);
  await stage.end("x1");
  await stage.end("y2");
  assert.deepEqual(stage.begun, ["x1", "y1", "x1", "y2", "x2"]);
});

test("what is stopped begins no more", async () => {
  const stage = new Stage(1);
  stage.add("x1", "x");
  stage.add("again");
  await stage.end("x1", 10);
  stage.add("x2", "x");
  stage.add("late");
  stage.tasks.stop();
  stage.add("later");
  await stage.end("again");
  stage.clock.advance(1_000);
  assert.deepEqual(stage.begun, ["x1", "again"]);
  assert.equal(stage.clock.pendingTimers, 0);
});

test("a thousand keys do not wait for each other", async () => {
  const tasks = new KeyedTasks(1_000, new ManualClock());
  const all = gate();
  let running = 0;
  for (let i = 0; i < 1_000; i++) {
    const run = async (): Promise<undefined> => {
      if (++running === 1_000) all.open();
      await all.opened;
    };
    tasks.add({ key: `key-${i}`, run });
  }
  await all.opened;
  assert.equal(running, 1_000);
});
