import { pauseMs } from "../backoff.ts";
import { settleWithin } from "../call_options.ts";
import type { Clock } from "../clock.ts";
import type { Observer } from "../observer.ts";
import { RECONNECT_BACKOFF } from "./connection.ts";
import type { RedisArea } from "./redis_area.ts";
import { closedError, interruptedError, replyCode, toRedisError } from "./redis_error.ts";
import type {
  MessageListener,
  OpenSubscriber,
  RedisSubscriber,
  SubscriptionKind,
} from "./subscriber.ts";

/** How a {@linkcode SubscriberConnection} behaves. */
export interface SubscriberSettings {
  /** Whose connection it is. */
  readonly area: RedisArea;
  /** Makes a connection. */
  readonly open: OpenSubscriber;
  /** The connection has broken: from now on messages may be lost. */
  readonly onLost: () => void;
  /** There is a new one, with all subscriptions: what comes now comes after what may have been lost. */
  readonly onRestored: () => void;
  /** How long one attempt to connect may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Measures deadlines and pauses. */
  readonly clock: Clock;
  /** Hears of lost connections, as `<area>.subscription_lost`. */
  readonly observer: Observer;
}

/** How often the server is asked whether it is there: a dead link carries no messages and says nothing. */
const HEARTBEAT_MS = 3_000;

/** How long it has for its answer. */
const ANSWER_MS = 1_000;

const SUBSCRIBE = "subscribe";

/** Something that somebody wants to hear. */
interface Wanted {
  readonly kind: SubscriptionKind;
  readonly name: string;
  readonly listener: MessageListener;
  /** The server has confirmed it once: it stays wanted, whatever the server says later. */
  confirmed: boolean;
  /** Nobody wants it any more. */
  removed: boolean;
  /** The server has confirmed it, or refused. */
  readonly settle: (refusal?: unknown) => void;
}

/**
 * A connection that hears messages, and replaces itself whenever it cannot be trusted: the client reported an error,
 * the server ended it or does not answer. A new one has all subscriptions again before it hands on a message.
 */
export class SubscriberConnection {
  readonly #settings: SubscriberSettings;
  readonly #closing = new AbortController();
  readonly #wanted = new Map<string, Wanted>();
  #subscriber: RedisSubscriber | undefined;
  #cancelHeartbeat = (): void => {};
  #cancelPause = (): void => {};

  private constructor(settings: SubscriberSettings) {
    this.#settings = settings;
  }

  /** Connects, or rejects with an error of the area. */
  static async open(settings: SubscriberSettings): Promise<SubscriberConnection> {
    const connection = new SubscriberConnection(settings);
    await connection.#connect(() => {});
    connection.#scheduleHeartbeat();
    return connection;
  }

  /** Whether there is a connection now. */
  get isReady(): boolean {
    return this.#subscriber !== undefined;
  }

  /**
   * Subscribes, once for each kind and name, and resolves when the server has confirmed it, however long that takes:
   * if the connection breaks meanwhile, when a new one has it. Rejects with an error of the area when the server
   * refuses, and when it is closed or the name removed.
   */
  async add(kind: SubscriptionKind, name: string, listener: MessageListener): Promise<void> {
    const { area } = this.#settings;
    if (this.#closing.signal.aborted) throw closedError(area, SUBSCRIBE);
    const confirmed = new Promise<void>((resolve, reject) => {
      const settle = (refusal?: unknown): void => {
        wanted.confirmed ||= refusal === undefined;
        if (refusal === undefined) resolve();
        else reject(refusal);
      };
      const state = { confirmed: false, removed: false };
      const wanted: Wanted = { kind, name, listener, settle, ...state };
      this.#wanted.set(keyOf(kind, name), wanted);
    });
    if (this.#subscriber) this.#subscribe(this.#subscriber, keyOf(kind, name));
    try {
      await confirmed;
    } catch (error) {
      this.remove(kind, name);
      throw toRedisError(area, error, { operation: SUBSCRIBE, mayHaveRun: false });
    }
  }

  /** Hears nothing of it any more. */
  remove(kind: SubscriptionKind, name: string): void {
    const wanted = this.#wanted.get(keyOf(kind, name));
    if (!wanted) return;
    wanted.removed = true;
    wanted.settle(closedError(this.#settings.area, SUBSCRIBE));
    this.#wanted.delete(keyOf(kind, name));
    const subscriber = this.#subscriber;
    subscriber?.remove(kind, name).catch((error) => this.#break(subscriber, error));
  }

  /**
   * Resolves when the server has answered: everything that it had to tell before has been heard then. Never rejects;
   * resolves at once without a connection, and when that breaks.
   */
  async flush(): Promise<void> {
    const subscriber = this.#subscriber;
    await subscriber?.ping().catch((error) => this.#break(subscriber, error));
  }

  /** Ends it; nothing is heard from then on. Idempotent. */
  close(): void {
    const { area } = this.#settings;
    this.#closing.abort();
    this.#cancelHeartbeat();
    this.#cancelPause();
    this.#drop();
    for (const { settle } of this.#wanted.values()) settle(closedError(area, SUBSCRIBE));
    this.#wanted.clear();
  }

  #subscribe(subscriber: RedisSubscriber, key: string): void {
    const wanted = this.#wanted.get(key);
    if (!wanted) return;
    subscriber.add(wanted.kind, wanted.name, wanted.listener).then(
      () => wanted.settle(),
      (error) => {
        // Otherwise the connection has broken, and the next one tries again.
        if (replyCode(error) !== undefined) wanted.settle(error);
        else this.#break(subscriber, error);
      },
    );
  }

  /** Calls `onReady` when everything is subscribed, before the first message is handed on. */
  async #connect(onReady: () => void): Promise<void> {
    const { area, open, connectTimeoutMs, clock } = this.#settings;
    const gaveUp = new AbortController();
    let opened: RedisSubscriber | undefined;
    let broken: unknown;
    const connecting = open(gaveUp.signal, (error) => {
      broken ??= error ?? new Error("it ended");
      if (opened) this.#break(opened, error);
    }).then(async (subscriber) => {
      const unwanted = (): boolean =>
        broken !== undefined || gaveUp.signal.aborted || this.#closing.signal.aborted;
      const deliver = await this.#restore(subscriber, unwanted).catch((error) => {
        subscriber.destroy();
        throw error;
      });
      if (unwanted()) {
        subscriber.destroy();
        throw broken;
      }
      opened = this.#subscriber = subscriber;
      onReady();
      deliver();
    });
    try {
      await settleWithin(
        connecting,
        { signal: this.#closing.signal, defaultTimeoutMs: connectTimeoutMs, clock },
        (interruption) => interruptedError(area, area.connect, interruption),
      );
    } catch (error) {
      gaveUp.abort();
      throw toRedisError(area, error, { operation: area.connect, mayHaveRun: false });
    }
  }

  /**
   * Subscribes a new connection to all that is wanted, also to what comes meanwhile. Messages wait until the function
   * that it resolves with is called.
   */
  async #restore(subscriber: RedisSubscriber, unwanted: () => boolean): Promise<() => void> {
    const done = new Set<Wanted>();
    let held: (() => void)[] | undefined = [];
    const add = async (wanted: Wanted): Promise<void> => {
      done.add(wanted);
      await subscriber.add(wanted.kind, wanted.name, (channel, bytes) => {
        if (held) held.push(() => wanted.removed || wanted.listener(channel, bytes));
        else wanted.listener(channel, bytes);
      }).then(() => wanted.settle(), (error) => {
        if (replyCode(error) === undefined || wanted.confirmed) throw error;
        wanted.settle(error);
      });
      if (wanted.removed) await subscriber.remove(wanted.kind, wanted.name);
    };
    const missing = (): Wanted[] => [...this.#wanted.values()].filter((one) => !done.has(one));
    for (let more = missing(); more.length > 0 && !unwanted(); more = missing()) {
      await Promise.all(more.map(add));
    }
    return () => {
      const messages = held ?? [];
      held = undefined;
      for (const message of messages) message();
    };
  }

  #break(subscriber: RedisSubscriber, error: unknown): void {
    if (subscriber !== this.#subscriber) return;
    const { area, observer, onLost } = this.#settings;
    this.#drop();
    observer.count(`${area.name}.subscription_lost`, 1);
    observer.log({
      level: "warn",
      message: `The subscriptions of the ${area.subject} were lost`,
      attributes: {
        reason: toRedisError(area, error, { operation: area.connect, mayHaveRun: false }).message,
      },
    });
    onLost();
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
        await this.#connect(this.#settings.onRestored);
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
    const { area, clock } = this.#settings;
    const interruption = { kind: "timeout", timeoutMs: ANSWER_MS } as const;
    const late = (): void => this.#break(subscriber, interruptedError(area, "PING", interruption));
    const cancel = clock.after(ANSWER_MS, late, { background: true });
    subscriber.ping().then(cancel, (error) => {
      cancel();
      this.#break(subscriber, error);
    });
  }
}

function keyOf(kind: SubscriptionKind, name: string): string {
  return `${kind} ${name}`;
}
