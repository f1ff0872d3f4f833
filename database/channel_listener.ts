import { type Backoff, pauseMs } from "../core/backoff.ts";
import { checkTimeout, settleWithin } from "../core/call_options.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { ValidationError } from "../core/errors.ts";
import type { DriverListener, DriverListenerEvents } from "./driver.ts";

/** Who listens to a channel. What the functions throw is dropped. */
export interface ListenOptions {
  /** Called for each notification. */
  readonly onNotify: () => void;
  /** Called when notifications can have been missed: each time that listening begins. */
  readonly onGap: () => void;
  /** How often to see whether the session still hears anything, in milliseconds. Default: 10,000. */
  readonly heartbeatMs?: number;
  /** Default: that of the machine. */
  readonly clock?: Clock;
}

/** How the driver begins to listen. */
export type Listen = (events: DriverListenerEvents) => Promise<DriverListener>;

/** How long listening, and each look at it, may take, in milliseconds. */
const STEP_TIMEOUT_MS = 5_000;

const BACKOFF: Backoff = { baseMs: 200, maxMs: 30_000 };

/**
 * Listens until it is closed, on one session after the other. A session that breaks is replaced, and so is one
 * that has become silent without breaking, which only a question to the server shows. Its timers keep no process
 * alive; the socket of its session does, until it is closed.
 *
 * ```ts
 * import { type ChannelListener, createPool } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * const boards = new Map([["humaneval", ["gpt-4", "claude-3"]]]); // what this process keeps
 * const forget = (): void => boards.clear();
 * const events = { onNotify: forget, onGap: forget }; // what was told in a gap was not heard
 * const listener: ChannelListener | undefined = pool.listen("boards_changed", events);
 * await pool.execute("select pg_notify('boards_changed', '')");
 * console.log(boards.size); // 0
 * await listener?.close();
 * await pool.close();
 * ```
 */
export class ChannelListener implements AsyncDisposable {
  readonly #listen: Listen;
  readonly #options: ListenOptions;
  readonly #clock: Clock;
  readonly #heartbeatMs: number;
  readonly #done: Promise<void>;
  readonly #stop = new AbortController();
  #interrupt: () => void = () => {};

  /** Begins to listen. */
  constructor(listen: Listen, options: ListenOptions) {
    this.#listen = listen;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#heartbeatMs = checkTimeout(options.heartbeatMs ?? 10_000, "heartbeatMs");
    this.#done = this.#run();
  }

  /** Hears nothing more. Idempotent. */
  close(): Promise<void> {
    this.#stop.abort();
    this.#interrupt();
    return this.#done;
  }

  /** The same as {@linkcode ChannelListener.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #closed(): boolean {
    return this.#stop.signal.aborted;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#closed;) {
      if (await this.#listenOnce()) failures = 0;
      if (!this.#closed) await this.#pause(pauseMs(++failures, BACKOFF));
    }
  }

  /** Listens until the session is of no use any more; returns whether it ever was. */
  async #listenOnce(): Promise<boolean> {
    let broken = false;
    const session = this.#listen({
      onNotify: () => call(this.#options.onNotify),
      onBroken: () => {
        broken = true;
        this.#interrupt();
      },
    });
    try {
      await this.#within(session);
    } catch {
      // It may still come, when nobody wants it any more.
      session.then((late) => late.close(), () => {});
      return false;
    }
    const listener = await session;
    call(this.#options.onGap);
    while (!broken && !this.#closed) {
      await this.#pause(this.#heartbeatMs);
      broken ||= !this.#closed && !await this.#hears(listener);
    }
    await listener.close();
    return true;
  }

  #hears(listener: DriverListener): Promise<boolean> {
    return this.#within(listener.check()).then(() => true, () => false);
  }

  #within<T>(step: Promise<T>): Promise<T> {
    const { signal } = this.#stop;
    const options = { signal, defaultTimeoutMs: STEP_TIMEOUT_MS, clock: this.#clock };
    return settleWithin(step, options, () => new Error("no answer"));
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#interrupt = () => {
        this.#interrupt = () => {};
        cancel();
        resolve();
      };
      const cancel = this.#clock.after(delayMs, () => this.#interrupt(), { background: true });
    });
  }
}

function call(listener: () => void): void {
  try {
    listener();
  } catch {
    // It must not end the session, and with it the notifications.
  }
}

/** Returns the name if it can be that of a channel; throws a {@linkcode ValidationError} if not. */
export function checkChannel(channel: string): string {
  if (typeof channel === "string" && /^[a-z_][a-z0-9_]{0,62}$/.test(channel)) return channel;
  const rule = "it must have 1 to 63 lower-case letters, digits and underscores";
  throw new ValidationError("channel", rule);
}
