import { pauseMs } from "../../../core/backoff.ts";
import { settleWithin } from "../../../core/call_options.ts";
import type { Clock } from "../../../core/clock.ts";
import type { CacheError } from "../../../core/errors.ts";
import type { Observer } from "../../../core/observer.ts";
import { interruptedError } from "../../call_rules.ts";
import { RECONNECT_BACKOFF } from "./connection.ts";
import { toCacheError } from "./redis_error.ts";
import type { OpenSubscriber, RedisSubscriber } from "./subscriber.ts";

/** How a {@linkcode SubscriberConnection} behaves. */
export interface SubscriberSettings {
  /** Makes a connection. */
  readonly open: OpenSubscriber;
  /** What to subscribe to. */
  readonly channel: string;
  /** Hears of each message. */
  readonly onMessage: (text: string) => void;
  /**
   * Messages may have been lost: when the connection has broken, and again when there is a new one.
   */
  readonly onGap: () => void;
  /** How long one attempt to connect may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Measures deadlines and pauses. */
  readonly clock: Clock;
  /** Hears of lost connections, as `cache.subscription_lost`. */
  readonly observer: Observer;
}

/** How often the server is asked whether it is there: a dead link carries no messages and says nothing. */
const HEARTBEAT_MS = 3_000;

/** How long it has for its answer. */
const ANSWER_MS = 1_000;

const CONNECTING = { operation: "InvalidationChannel.subscribe", mayHaveRun: false };

/**
 * A subscription that replaces its connection whenever that cannot be trusted: the client reported an error, the
 * server ended it or does not answer. Every replacement is a gap.
 */
export class SubscriberConnection {
  readonly #settings: SubscriberSettings;
  readonly #closing = new AbortController();
  #subscriber: RedisSubscriber | undefined;
  #cancelHeartbeat = (): void => {};
  #cancelPause = (): void => {};

  private constructor(settings: SubscriberSettings) {
    this.#settings = settings;
  }

  /** Connects and subscribes, or rejects with a `CacheError`. */
  static async open(settings: SubscriberSettings): Promise<SubscriberConnection> {
    const connection = new SubscriberConnection(settings);
    await connection.#connect();
    connection.#scheduleHeartbeat();
    return connection;
  }

  /** Ends it; nothing is heard from then on. Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#cancelHeartbeat();
    this.#cancelPause();
    this.#drop();
  }

  async #connect(): Promise<void> {
    const { open, channel, connectTimeoutMs, clock } = this.#settings;
    const gaveUp = new AbortController();
    let opened: RedisSubscriber | undefined;
    let broken: unknown;
    const connecting = open(channel, gaveUp.signal, {
      onMessage: (text) => {
        if (!this.#closing.signal.aborted) this.#settings.onMessage(text);
      },
      onBroken: (error) => {
        broken ??= error ?? new Error("it ended");
        if (opened) this.#break(opened, error);
      },
    }).then((subscriber) => {
      const isWanted = !gaveUp.signal.aborted && !this.#closing.signal.aborted;
      if (broken === undefined && isWanted) {
        opened = this.#subscriber = subscriber;
        return;
      }
      subscriber.destroy();
      throw broken;
    });
    try {
      await settleWithin(
        connecting,
        { signal: this.#closing.signal, defaultTimeoutMs: connectTimeoutMs, clock },
        (interruption) => interruptedError(CONNECTING.operation, interruption),
      );
    } catch (error) {
      gaveUp.abort();
      throw toCacheError(error, CONNECTING);
    }
  }

  #break(subscriber: RedisSubscriber, error: unknown): void {
    if (subscriber !== this.#subscriber) return;
    const { observer, onGap } = this.#settings;
    this.#drop();
    observer.count("cache.subscription_lost", 1);
    observer.log({
      level: "warn",
      message: "The subscription to invalidations was lost",
      attributes: { reason: toCacheError(error, CONNECTING).message },
    });
    onGap();
    void this.#reconnect();
  }

  #drop(): void {
    const subscriber = this.#subscriber;
    this.#subscriber = undefined;
    subscriber?.destroy();
  }

  async #reconnect(): Promise<void> {
    for (let attempt = 1; !this.#closing.signal.aborted; attempt++) {
      try {
        await this.#connect();
        // What was said since the old connection broke has not been heard.
        this.#settings.onGap();
        return;
      } catch {
        await this.#pause(pauseMs(attempt, RECONNECT_BACKOFF));
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#settings.clock.after(delayMs, resolve, { background: true });
      this.#cancelPause = () => {
        cancel();
        resolve();
      };
      if (this.#closing.signal.aborted) this.#cancelPause();
    });
  }

  #scheduleHeartbeat(): void {
    const beat = (): void => {
      if (this.#subscriber) this.#ping(this.#subscriber);
      this.#scheduleHeartbeat();
    };
    this.#cancelHeartbeat = this.#settings.clock.after(HEARTBEAT_MS, beat, { background: true });
  }

  #ping(subscriber: RedisSubscriber): void {
    const late = (): void => this.#break(subscriber, silentError());
    const cancel = this.#settings.clock.after(ANSWER_MS, late, { background: true });
    subscriber.ping().then(cancel, (error) => {
      cancel();
      this.#break(subscriber, error);
    });
  }
}

function silentError(): CacheError {
  return interruptedError("PING", { kind: "timeout", timeoutMs: ANSWER_MS });
}
