import type { Clock } from "../core/clock.ts";

/** Something to do; it never throws or rejects. */
export interface KeyedTask {
  /** Tasks with the same one are done one after the other; those without one, on their own. */
  readonly key: string | undefined;
  /**
   * Does it. Returns `undefined` when it is done; otherwise a promise that resolves with `undefined` when it is, or with
   * how many milliseconds to wait before it has to run again.
   */
  run(): Promise<number | undefined> | undefined;
}

/**
 * Runs tasks, at most so many at once, those of one key in the order in which they were added. A task that waits
 * to run again takes no place, but holds back those of its key.
 */
export class KeyedTasks {
  readonly #clock: Clock;
  readonly #lines = new Map<string, KeyedTask[]>();
  readonly #pauses = new Map<KeyedTask, () => void>();
  #ready: KeyedTask[] = [];
  #free: number;

  /** Creates an empty one that runs `concurrency` tasks at once. */
  constructor(concurrency: number, clock: Clock) {
    this.#free = concurrency;
    this.#clock = clock;
  }

  /** Runs a task as soon as there is a place and its key allows. */
  add(task: KeyedTask): void {
    if (task.key !== undefined) {
      const line = this.#lines.get(task.key);
      if (line) {
        line.push(task);
        return;
      }
      this.#lines.set(task.key, []);
    }
    this.#ready.push(task);
    this.#start();
  }

  /** Takes out the tasks that are not running, and starts no others; those added later are not run either. */
  stop(): KeyedTask[] {
    for (const cancel of this.#pauses.values()) cancel();
    const waiting = [...this.#lines.values()].flat();
    const stopped = [...this.#ready, ...this.#pauses.keys(), ...waiting];
    this.#ready = [];
    this.#pauses.clear();
    for (const line of this.#lines.values()) line.length = 0;
    this.#free = -Infinity;
    return stopped;
  }

  #start(): void {
    while (this.#free > 0) {
      const task = this.#ready.shift();
      if (task === undefined) return;
      this.#free--;
      const running = task.run();
      if (running) void running.then((pauseMs) => this.#finish(task, pauseMs));
      else this.#end(task, undefined);
    }
  }

  #finish(task: KeyedTask, pauseMs: number | undefined): void {
    this.#end(task, pauseMs);
    this.#start();
  }

  #end(task: KeyedTask, pauseMs: number | undefined): void {
    this.#free++;
    if (pauseMs === undefined) this.#next(task.key);
    else this.#runAgain(task, pauseMs);
  }

  #next(key: string | undefined): void {
    if (key === undefined) return;
    const next = this.#lines.get(key)?.shift();
    if (next) this.#ready.push(next);
    else this.#lines.delete(key);
  }

  #runAgain(task: KeyedTask, pauseMs: number): void {
    const cancel = this.#clock.after(pauseMs, () => {
      this.#pauses.delete(task);
      // It is older than what waits.
      this.#ready.unshift(task);
      this.#start();
    }, { background: true });
    this.#pauses.set(task, cancel);
  }
}
