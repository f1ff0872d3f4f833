import type { OpenSubscriber, SubscriptionKind } from "../../../core/redis/subscriber.ts";
import {
  SubscriberConnection,
  type SubscriberSettings,
} from "../../../core/redis/subscriber_connection.ts";
import { closedError } from "../../../core/redis/redis_error.ts";
import type { HandlerQueue } from "../../handler_queue.ts";
import { MESSAGING_AREA } from "./messaging_area.ts";

/** What {@linkcode RedisSubscriptions} need to connect. */
export interface SubscriptionSettings
  extends Pick<SubscriberSettings, "connectTimeoutMs" | "clock" | "observer"> {
  /** Where to subscribe. */
  readonly subscribe: OpenSubscriber;
}

/** One channel or pattern on the server, for everybody here who wants it. */
interface Shared {
  readonly queues: Set<HandlerQueue>;
  /** Resolves when the server has confirmed it. */
  readonly confirmed: Promise<void>;
  /** Aborts when nobody wants it any more. */
  readonly unwanted: AbortController;
}

/** Who subscribes has a deadline of its own; what is shared is tried as long as somebody waits. */
const NO_DEADLINE_MS = 2 ** 31 - 1;

/**
 * The subscriptions of a bus, over one connection that is there from the first on. The server gets each channel and
 * each pattern once; what comes for it goes to the queues of those who want exactly that, so a message
 * that comes for a channel and for a pattern reaches each queue once.
 */
export class RedisSubscriptions {
  readonly #settings: SubscriptionSettings;
  readonly #shared = new Map<string, Shared>();
  /** Those that were told that they are live; they hear of gaps. */
  readonly #live = new Set<HandlerQueue>();
  #opening: Promise<SubscriberConnection> | undefined;
  #connection: SubscriberConnection | undefined;
  /** Resolves when a broken connection has been replaced. */
  #outage: Promise<void> | undefined;
  #endOutage = (): void => {};
  #closed = false;

  /** Creates them; nothing is connected before the first one. */
  constructor(settings: SubscriptionSettings) {
    this.#settings = settings;
  }

  /** Whether there are subscriptions whose connection has broken and is not replaced yet. */
  get isLost(): boolean {
    return this.#outage !== undefined;
  }

  /** Hands what comes to the queue; resolves when the server has confirmed everything. */
  async join(
    kind: SubscriptionKind,
    names: readonly string[],
    queue: HandlerQueue,
  ): Promise<void> {
    const all = names.map((name) => {
      const shared = this.#shared.get(keyOf(kind, name)) ?? this.#share(kind, name);
      shared.queues.add(queue);
      return shared;
    });
    await Promise.all(all.map(({ confirmed }) => confirmed));
    while (this.#outage) await this.#outage;
    if (this.#closed) throw closedError(MESSAGING_AREA, "subscribe");
    // Whoever subscribed may have given up meanwhile.
    if (all.every(({ queues }) => queues.has(queue))) this.#live.add(queue);
  }

  /** Hands nothing more to the queue. */
  leave(kind: SubscriptionKind, names: readonly string[], queue: HandlerQueue): void {
    this.#live.delete(queue);
    for (const name of names) {
      const shared = this.#shared.get(keyOf(kind, name));
      if (!shared?.queues.delete(queue) || shared.queues.size > 0) continue;
      this.#shared.delete(keyOf(kind, name));
      shared.unwanted.abort();
      this.#connection?.remove(kind, name);
    }
  }

  /** Resolves when everything that the server has sent before is in the queues, or was lost. */
  async caughtUp(): Promise<void> {
    await this.#connection?.caughtUp();
  }

  /** Ends the connection. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#connection?.close();
    this.#opening?.then((connection) => connection.close(), () => {});
    this.#endOutage();
    this.#outage = undefined;
  }

  #share(kind: SubscriptionKind, name: string): Shared {
    const queues = new Set<HandlerQueue>();
    const unwanted = new AbortController();
    const subscribe = async (): Promise<void> => {
      const connection = this.#connection ?? await (this.#opening ??= this.#open());
      if (unwanted.signal.aborted) return;
      const receive = (channel: string, bytes: Uint8Array): void => {
        for (const queue of queues) queue.offer(channel, bytes);
      };
      const { signal } = unwanted;
      const call = { operation: "subscribe", signal, timeoutMs: NO_DEADLINE_MS };
      await connection.add(kind, name, receive, call);
    };
    const shared = { queues, unwanted, confirmed: subscribe() };
    this.#shared.set(keyOf(kind, name), shared);
    shared.confirmed.catch(() => {
      // Who waits is told; who comes later has it tried again.
      const key = keyOf(kind, name);
      if (this.#shared.get(key) === shared) this.#shared.delete(key);
    });
    return shared;
  }

  async #open(): Promise<SubscriberConnection> {
    const { subscribe: open, connectTimeoutMs, clock, observer } = this.#settings;
    try {
      const connection = await SubscriberConnection.open({
        area: MESSAGING_AREA,
        open,
        onLost: () => this.#lose(),
        onRestored: () => this.#restore(),
        connectTimeoutMs,
        clock,
        observer,
      });
      if (this.#closed) connection.close();
      return this.#connection = connection;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  #lose(): void {
    this.#outage ??= new Promise((resolve) => this.#endOutage = resolve);
  }

  #restore(): void {
    for (const queue of this.#live) queue.gap(undefined);
    this.#outage = undefined;
    this.#endOutage();
  }
}

function keyOf(kind: SubscriptionKind, name: string): string {
  return `${kind} ${name}`;
}
