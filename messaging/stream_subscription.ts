import { nextTurn } from "../core/next_turn.ts";
import { type Backoff, delay, pauseMs } from "../core/backoff.ts";
import type { CallOptions } from "../core/call_options.ts";
import type { Clock } from "../core/clock.ts";
import { MessagingError } from "../core/errors.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { deathOf } from "./dead_letter.ts";
import { Delivery, InFlight } from "./in_flight.ts";
import { checkCall, DEFAULT_TIMEOUT_MS } from "./interruption.ts";
import { KeyedTasks } from "./keyed_tasks.ts";
import type { Message } from "./messaging.ts";
import type { DriverReader, StreamCall } from "./stream_driver.ts";
import type {
  Death,
  DrainResult,
  StreamBatch,
  StreamEntry,
  StreamHandler,
  StreamProblem,
  StreamProblemHandler,
  StreamSubscription,
} from "./streams.ts";

/** What a {@linkcode ReadingSubscription} works with; the options have been checked. */
export interface SubscriptionParts {
  /** Where it reads. */
  readonly channel: string;
  /** Reads and settles. */
  readonly reader: DriverReader;
  /** Gets the messages. */
  readonly handler: StreamHandler;
  /** Gets the problems. */
  readonly onProblem: StreamProblemHandler;
  /** How many messages the handler takes at once. */
  readonly concurrency: number;
  /** How many entries are held at most. */
  readonly maxInFlight: number;
  /** How long the handler may take, in milliseconds. */
  readonly handlerTimeoutMs: number;
  /** How often a message is tried. */
  readonly maxAttempts: number;
  /** How the pauses between attempts grow. */
  readonly backoff: Backoff;
  /** After how long without a sign the entries would go to somebody else, in milliseconds. */
  readonly takeOverMs: number;
  /** Measures deadlines and pauses. */
  readonly clock: Clock;
}

/** How long one read waits for entries. */
const READ_WAIT_MS = 1_000;

/** The most entries of one read. */
const BATCH = 100;

const READ_BACKOFF: Backoff = { baseMs: 100, maxMs: 2_000 };

/** How long the end of a read, and giving back, may take once the deadline has passed. */
const RELEASE_MS = 2 * READ_WAIT_MS;

/** What is to be done with an entry. */
interface Work {
  readonly entry: StreamEntry;
  readonly message?: Message;
  attempt: number;
  /** Why it has to be buried. */
  death?: Death;
}

/**
 * The consumer loop of every stream bus: reads ahead, hands messages to the handler in the order of their keys,
 * acknowledges, tries again, buries, and keeps what it holds from being taken over.
 */
export class ReadingSubscription implements StreamSubscription {
  /** See {@linkcode StreamSubscription.ended}. */
  readonly ended: Promise<void>;
  readonly #parts: SubscriptionParts;
  readonly #tasks: KeyedTasks;
  readonly #acks: Acknowledgements;
  readonly #held = new InFlight();
  readonly #stopping = new AbortController();
  readonly #reading: Promise<void>;
  #resolveEnded = (): void => {};
  #cancelHeartbeat = (): void => {};
  #draining: Promise<DrainResult> | undefined;

  /** Begins to read. */
  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    this.#tasks = new KeyedTasks(parts.concurrency, parts.clock);
    this.#acks = new Acknowledgements({
      send: (entries) => parts.reader.ack(entries, call("acknowledge messages")),
      onDone: (entries) => entries.forEach((entry) => this.#held.letGo(entry)),
      clock: parts.clock,
    });
    this.ended = new Promise((resolve) => this.#resolveEnded = resolve);
    this.#reading = this.#readAll();
    this.#scheduleHeartbeat();
  }

  /** See {@linkcode StreamSubscription.unsubscribe}. */
  async unsubscribe(options: CallOptions = {}): Promise<void> {
    checkCall("unsubscribe", options);
    // Every handler is over within its own time.
    void this.drain(this.#parts.handlerTimeoutMs + DEFAULT_TIMEOUT_MS);
    await this.#reading;
  }

  /** The same as {@linkcode ReadingSubscription.unsubscribe}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.unsubscribe();
  }

  /** See {@linkcode StreamSubscription.drain}. */
  drain(deadlineMs: number): Promise<DrainResult> {
    this.#draining ??= this.#drain(deadlineMs);
    return this.#draining;
  }

  async #readAll(): Promise<void> {
    const { signal } = this.#stopping;
    let next: Promise<StreamBatch> | undefined;
    for (let failures = 0; next || !signal.aborted;) {
      const room = this.#room();
      if (!next && room <= 0) {
        await this.#held.changed();
        continue;
      }
      try {
        const { entries, lost } = await (next ?? this.#read(room));
        next = undefined;
        failures = 0;
        if (lost > 0) this.#report({ kind: "gap", lost });
        this.#held.add(entries);
        // There is more: the server gets it ready while the handler is at work.
        if (entries.length >= BATCH && this.#room() > 0 && !signal.aborted) {
          next = this.#read(this.#room());
          next.catch(() => {});
          await nextTurn();
        }
        for (const entry of entries) this.#accept(entry);
      } catch (error) {
        next = undefined;
        if (failures++ === 0 && !signal.aborted) {
          this.#report({ kind: "interrupted", channel: this.#parts.channel, error });
        }
        await delay(pauseMs(failures, READ_BACKOFF), signal, this.#parts.clock).catch(() => {});
      }
    }
  }

  #read(room: number): Promise<StreamBatch> {
    const { signal } = this.#stopping;
    return this.#parts.reader.read(Math.min(room, BATCH), READ_WAIT_MS, call("read", signal));
  }

  /** How many entries more can be held. */
  #room(): number {
    return this.#parts.maxInFlight - this.#held.size;
  }

  #accept(entry: StreamEntry): void {
    const work = this.#examine(entry);
    this.#tasks.add({
      key: work.message?.partitionKey,
      run: () => work.death ? this.#bury(entry, work.death) : this.#handle(work),
    });
  }

  #examine(entry: StreamEntry): Work {
    const { attempt } = entry;
    try {
      const message = entry.decode();
      if (attempt <= this.#parts.maxAttempts) return { entry, message, attempt };
      const why = "none of its readers lived to say how its handling ended";
      return { entry, message, attempt, death: deathOf("abandoned", why, attempt - 1) };
    } catch (error) {
      return { entry, attempt, death: deathOf("undecodable", error, attempt) };
    }
  }

  /** Returns `undefined` when the handler is done, else a promise of the pause before the next attempt, if there is one. */
  #handle(work: Work): Promise<number | undefined> | undefined {
    const { handler, handlerTimeoutMs, clock } = this.#parts;
    const { entry, attempt } = work;
    const message = work.message as Message;
    const delivery = new Delivery(entry, attempt);
    const succeed = (): undefined => {
      if (this.#held.change(entry, "handled")) this.#acks.add(entry);
    };
    const fail = (error: unknown): Promise<number | undefined> => this.#fail(work, message, error);
    this.#held.change(entry, delivery);
    try {
      const deadline = { timeoutMs: handlerTimeoutMs, clock };
      const running = delivery.run(message, handler, deadline);
      return running ? running.then(succeed, fail) : succeed();
    } catch (error) {
      return fail(error);
    }
  }

  async #fail(work: Work, message: Message, error: unknown): Promise<number | undefined> {
    const { maxAttempts, backoff } = this.#parts;
    const { entry, attempt } = work;
    this.#report({ kind: "handler_failed", message, error });
    if (!this.#held.change(entry, "waiting")) return undefined;
    work.attempt++;
    if (attempt < maxAttempts) return pauseMs(attempt, backoff);
    work.death = deathOf("handler_failed", error, attempt);
    return await this.#bury(entry, work.death);
  }

  /** Resolves with a pause when the letter could not be kept: it is tried again after that. */
  async #bury(entry: StreamEntry, death: Death): Promise<number | undefined> {
    const { reader, clock, channel } = this.#parts;
    this.#held.change(entry, "handled");
    try {
      const letter = { ...death, buriedAt: new Date(clock.now()) };
      await reader.bury(entry, letter, call("bury a message"));
    } catch (error) {
      this.#report({ kind: "interrupted", channel, error });
      this.#held.change(entry, "waiting");
      return pauseMs(death.attempts, READ_BACKOFF);
    }
    this.#held.letGo(entry);
    this.#report({ kind: "buried", channel, death });
    return undefined;
  }

  async #drain(deadlineMs: number): Promise<DrainResult> {
    const { clock, reader } = this.#parts;
    this.#stopping.abort();
    this.#held.wake();
    this.#tasks.stop();
    let released = 0;
    const finish = async (): Promise<void> => {
      await this.#reading;
      while (this.#held.size > 0) {
        const waiting = this.#held.inStage((stage) => stage === "waiting");
        released += await this.#release(waiting);
        if (waiting.length === 0) await this.#held.changed();
      }
    };
    await within(deadlineMs, clock, finish());
    this.#acks.stop();
    // A read that still waits would take what is given back.
    await within(RELEASE_MS, clock, this.#reading);
    released += await this.#giveUp();
    this.#cancelHeartbeat();
    await reader.close();
    this.#resolveEnded();
    return { released };
  }

  /** Stops the handlers that are still at work, and gives back what they had. */
  async #giveUp(): Promise<number> {
    const error = new MessagingError("Cannot wait for the handler: the subscription is closing", {
      code: "closed",
      operation: "drain",
      outcome: "unknown",
    });
    for (const delivery of this.#held.deliveries()) delivery.abort(error);
    const left = this.#held.inStage((stage) => stage !== "handled");
    this.#held.clear();
    return await this.#release(left, RELEASE_MS);
  }

  /** Gives entries back, if the server is there to take them; else they are taken over in time. */
  async #release(entries: readonly StreamEntry[], timeoutMs?: number): Promise<number> {
    if (entries.length === 0) return 0;
    const { reader } = this.#parts;
    await reader.release(entries, call("release messages", undefined, timeoutMs)).catch(() => {});
    for (const entry of entries) this.#held.letGo(entry);
    return entries.length;
  }

  /** What is held is not taken from a reader that is alive. */
  #scheduleHeartbeat(): void {
    const { clock, reader, takeOverMs } = this.#parts;
    const beat = (): void => {
      const entries = this.#held.inStage(() => true);
      // A failure shows when it reads.
      if (entries.length > 0) reader.extend(entries, call("extend messages")).catch(() => {});
      this.#scheduleHeartbeat();
    };
    this.#cancelHeartbeat = clock.after(takeOverMs / 3, beat, { background: true });
  }

  #report(problem: StreamProblem): void {
    const tell = async (): Promise<unknown> => await this.#parts.onProblem(problem);
    // There is nobody left to tell.
    tell().catch(() => {});
  }
}

function call(
  operation: string,
  signal?: AbortSignal,
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
): StreamCall {
  return { operation, signal, timeoutMs };
}

/** Resolves when `promise` does, or the time is over. */
async function within(timeoutMs: number, clock: Clock, promise: Promise<void>): Promise<void> {
  let cancel = (): void => {};
  const over = new Promise<void>((resolve) => cancel = clock.after(timeoutMs, resolve));
  await Promise.race([promise, over]);
  cancel();
}
