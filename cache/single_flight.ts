import { settleWithin, type WaitOptions } from "../core/call_options.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { interruptedError } from "./call_rules.ts";

/** One running load, as the load itself sees it. */
export interface Flight {
  /** Aborts when the last caller has left, or on {@linkcode SingleFlight.close}. */
  readonly signal: AbortSignal;
  /** Whether the key is unchanged since the load began, so that its result may be written. */
  isCurrent(): boolean;
}

/** How a caller waits for a load. */
export interface FlightOptions extends Omit<WaitOptions, "clock"> {
  /** The public call. */
  readonly operation: string;
}

interface RunningFlight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  readonly fail: (error: Error) => void;
  waiting: number;
}

/**
 * Lets callers that want the same key at the same time share one load.
 *
 * A caller's abort or deadline ends its own waiting only; the load is told when the last one has
 * left. The load's error reaches every caller as it is. A result is never kept: who comes after it
 * starts anew.
 *
 * ```ts
 * import { SingleFlight } from "@benchmark-exchange/infrastructure/cache";
 *
 * const flights = new SingleFlight<string[]>();
 * let queries = 0;
 * const load = async (): Promise<string[]> => {
 *   queries++;
 *   await new Promise((resolve) => setTimeout(resolve, 10)); // the database
 *   return ["first", "second"];
 * };
 * const options = { operation: "Leaderboard.read", defaultTimeoutMs: 5_000 };
 * const readers = ["ada", "grace", "edsger"].map(() => flights.run("board:123", load, options));
 * console.log((await Promise.all(readers)).length, queries); // 3 1
 * ```
 */
export class SingleFlight<T> {
  readonly #current = new Map<string, RunningFlight<T>>();
  readonly #running = new Set<RunningFlight<T>>();
  readonly #clock: Clock;
  #closed: Error | undefined;

  /** Creates one; `clock` measures the deadlines of the callers. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * Joins the running load of the key, or starts `load`. Rejects with a `CacheError` when this
   * caller's deadline or signal ends its waiting, and after {@linkcode SingleFlight.close} with its error.
   */
  async run(
    key: string,
    load: (flight: Flight) => Promise<T>,
    options: FlightOptions,
  ): Promise<T> {
    if (this.#closed) throw this.#closed;
    const flight = this.#current.get(key) ?? this.#start(key, load);
    flight.waiting++;
    try {
      return await settleWithin(
        flight.result,
        { ...options, clock: this.#clock },
        (interruption) => interruptedError(options.operation, interruption),
      );
    } finally {
      flight.waiting--;
      if (flight.waiting === 0 && this.#running.has(flight)) {
        this.#end(key, flight);
        flight.controller.abort();
      }
    }
  }

  /** Whether a load of the key is running that others may join. */
  has(key: string): boolean {
    return this.#current.has(key);
  }

  /** The key has changed: its running load is no longer current, and the next caller starts anew. */
  forget(key: string): void {
    this.#current.delete(key);
  }

  /** The same as {@linkcode SingleFlight.forget} for every key that `matches`. */
  forgetWhere(matches: (key: string) => boolean): void {
    for (const key of this.#current.keys()) {
      if (matches(key)) this.#current.delete(key);
    }
  }

  /** Rejects the callers of every running load with `error` and aborts the loads. */
  close(error: Error): void {
    this.#closed = error;
    for (const flight of this.#running) {
      flight.fail(error);
      flight.controller.abort(error);
    }
    this.#running.clear();
    this.#current.clear();
  }

  #start(key: string, load: (flight: Flight) => Promise<T>): RunningFlight<T> {
    const controller = new AbortController();
    let fail: (error: Error) => void = () => {};
    const failed = new Promise<never>((_, reject) => fail = reject);
    const isCurrent = (): boolean => this.#current.get(key) === flight;
    // One tick later, so that the load finds its own flight on the list.
    const loaded = Promise.resolve()
      .then(() => load({ signal: controller.signal, isCurrent }))
      .finally(() => this.#end(key, flight));
    const flight = { result: Promise.race([loaded, failed]), controller, fail, waiting: 0 };
    this.#current.set(key, flight);
    this.#running.add(flight);
    return flight;
  }

  #end(key: string, flight: RunningFlight<T>): void {
    this.#running.delete(flight);
    if (this.#current.get(key) === flight) this.#current.delete(key);
  }
}
