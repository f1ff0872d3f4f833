import {
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
} from "@nats-io/jetstream";
import type { NatsConnection, ServerInfo } from "@nats-io/transport-node";
import { type Backoff, pauseMs } from "../../../core/backoff.ts";
import { settleWithin } from "../../../core/call_options.ts";
import type { Clock } from "../../../core/clock.ts";
import { MessagingError, type Outcome } from "../../../core/errors.ts";
import { interruptionError } from "../../interruption.ts";
import type { StreamCall } from "../../stream_driver.ts";
import type { NatsSettings } from "./config.ts";
import { dial } from "./dial.ts";
import { toMessagingError } from "./nats_error.ts";

/** A call with the time at which it has to be over, by the monotonic clock. */
export interface NatsCall extends StreamCall {
  /** When it has to be over. */
  readonly endMs: number;
}

/** What a step of a call works with. */
export interface NatsTools {
  /** The connection. */
  readonly nc: NatsConnection;
  /** Publishes. */
  readonly js: JetStreamClient;
  /** Manages streams and consumers. */
  readonly jsm: JetStreamManager;
  /** How many milliseconds are left. */
  readonly leftMs: number;
}

/** The longest a close waits for the server. */
const CLOSE_MS = 1_000;

/** With this bound, a server that is back is found again within 5 s. */
const RECONNECT_BACKOFF: Backoff = { baseMs: 50, maxMs: 1_000 };

/** How long a call waits for a connection that has just been lost, in milliseconds. */
const ARRIVAL_MS = 1_500;

/** A connection that works. */
interface Live {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
}

/**
 * A connection to NATS that is replaced whenever it is lost, for ever. Calls wait for the next one for a
 * moment only; those that were under way reject at once, because nobody knows how they ended.
 */
export class NatsServer {
  readonly #settings: NatsSettings;
  readonly #clock: Clock;
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #arrivals = new Set<(live: Live) => void>();
  readonly #closing = new AbortController();
  #live: Live | undefined;
  #info: ServerInfo | undefined;

  private constructor(settings: NatsSettings) {
    this.#settings = settings;
    this.#clock = settings.clock;
  }

  /** Connects, or rejects with a `MessagingError` within `connectTimeoutMs`. */
  static async connect(settings: NatsSettings): Promise<NatsServer> {
    const server = new NatsServer(settings);
    server.#use(await dial(settings));
    return server;
  }

  /** The largest message that the server takes, with its headers, in bytes. */
  get maxMessageBytes(): number {
    return this.#info?.max_payload ?? 1_048_576;
  }

  /** What the server says about itself. */
  get description(): Record<string, unknown> {
    return { adapter: "nats", version: this.#info?.version };
  }

  /** The time that deadlines are measured by. */
  get nowMs(): number {
    return this.#clock.monotonic();
  }

  /** Starts the deadline of a call. */
  begin(call: StreamCall): NatsCall {
    return { ...call, endMs: this.nowMs + call.timeoutMs };
  }

  /**
   * Runs a step of a call until its deadline. `outcome` is that of an interruption: whether the step can have changed
   * anything. Rejects with the error of the client, for the caller to look at, or a `MessagingError`.
   */
  async step<T>(
    call: NatsCall,
    outcome: Outcome,
    use: (tools: NatsTools) => Promise<T>,
  ): Promise<T> {
    const { nc, js } = this.#live ?? await this.#arrival(call);
    const leftMs = Math.max(1, call.endMs - this.nowMs);
    // The client's own timer is for requests that nobody waits for any more.
    const timeout = leftMs + 1_000;
    let lose = (_error: Error): void => {};
    const lost = new Promise<never>((_, reject) => lose = reject);
    this.#waiting.add(lose);
    try {
      const jsm = await jetstreamManager(nc, { timeout, checkAPI: false });
      const used = use({ nc, js, jsm, leftMs: timeout });
      return await settleWithin(
        Promise.race([used, lost]),
        { ...call, defaultTimeoutMs: call.timeoutMs, clock: this.#clock },
        (why) => this.#interrupted(call, why, outcome),
      );
    } catch (error) {
      if (error === LOST) throw this.#lostError(call.operation, outcome);
      throw error;
    } finally {
      this.#waiting.delete(lose);
    }
  }

  /** The same, and rejects with a `MessagingError` only. */
  run<T>(call: NatsCall, outcome: Outcome, use: (tools: NatsTools) => Promise<T>): Promise<T> {
    return this.mapped(call, outcome, () => this.step(call, outcome, use));
  }

  /** Maps what some steps of a call reject with. */
  async mapped<T>(call: NatsCall, outcome: Outcome, use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      const { operation } = call;
      throw toMessagingError(error, { operation, mayHaveRun: outcome === "unknown" });
    }
  }

  /** Ends the connection. Never rejects; a server that does not answer is not waited for. */
  async close(): Promise<void> {
    this.#closing.abort();
    const closed = this.#live?.nc.close().catch(() => {});
    let cancel = (): void => {};
    const enough = new Promise<void>((resolve) => cancel = this.#clock.after(CLOSE_MS, resolve));
    await Promise.race([closed, enough]);
    cancel();
  }

  /** The next connection, if it comes soon: most are replaced at once. */
  async #arrival(call: NatsCall): Promise<Live> {
    let found = (_live: Live): void => {};
    const next = new Promise<Live>((resolve) => found = resolve);
    this.#arrivals.add(found);
    const endMs = Math.min(call.endMs, this.nowMs + ARRIVAL_MS);
    try {
      return await settleWithin(
        next,
        { signal: call.signal, defaultTimeoutMs: ARRIVAL_MS, endMs, clock: this.#clock },
        (why) =>
          why.kind === "aborted"
            ? this.#interrupted(call, why, "not-applied")
            : this.#lostError(call.operation, "not-applied"),
      );
    } finally {
      this.#arrivals.delete(found);
    }
  }

  #use(nc: NatsConnection): void {
    this.#live = { nc, js: jetstream(nc) };
    for (const found of this.#arrivals) found(this.#live);
    this.#info = nc.info;
    nc.closed().then(() => this.#replace());
  }

  async #replace(): Promise<void> {
    this.#live = undefined;
    for (const lose of this.#waiting) lose(LOST);
    this.#waiting.clear();
    const { signal } = this.#closing;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const nc = await dial(this.#settings).catch(() => undefined);
      if (nc && signal.aborted) await nc.close();
      else if (nc) return this.#use(nc);
      await this.#pause(pauseMs(attempt, RECONNECT_BACKOFF));
    }
  }

  /** Nobody waits for it, so it keeps no process alive. */
  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(delayMs, resolve, { background: true });
    });
  }

  #interrupted(
    { operation }: NatsCall,
    why: Parameters<typeof interruptionError>[1],
    outcome: Outcome,
  ): MessagingError {
    const { code, message } = interruptionError(operation, why, {
      reason: outcome === "unknown" ? "the server may have done it" : "the server did not answer",
      outcome,
    });
    const cause = why.kind === "aborted" ? why.reason : undefined;
    return new MessagingError(message, {
      code,
      operation,
      outcome,
      retryable: code === "timeout",
      cause,
    });
  }

  #lostError(operation: string, outcome: Outcome): MessagingError {
    return new MessagingError(`Cannot ${operation}: there is no connection to the server`, {
      code: "unavailable",
      operation,
      retryable: true,
      outcome,
    });
  }
}

const LOST = new Error("the connection was lost");
