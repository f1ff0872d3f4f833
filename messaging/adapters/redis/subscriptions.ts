import { settleWithin, type WaitOptions } from "../../../core/call_options.ts";
import type { Clock } from "../../../core/clock.ts";
import type { Observer } from "../../../core/observer.ts";
import type { RedisTarget } from "../../../core/redis/channel.ts";
import type { RedisArea } from "../../../core/redis/redis_area.ts";
import type { SubscriptionKind } from "../../../core/redis/subscriber.ts";
import { SubscriberConnection } from "../../../core/redis/subscriber_connection.ts";
import type { HandlerQueue } from "../../handler_queue.ts";
import { interruptionError } from "../../interruption.ts";

/** How {@linkcode RedisSubscriptions} work. */
export interface SubscriptionsSettings {
  /** Whose they are. */
  readonly area: RedisArea;
  /** Where to subscribe. */
  readonly target: RedisTarget;
  /** How long one attempt to connect may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Measures deadlines. */
  readonly clock: Clock;
  /** Hears of lost connections. */
  readonly observer: Observer;
}

/** What a queue wants to get. */
export interface WantedNames {
  /** Whether the names are channels or patterns. */
  readonly kind: SubscriptionKind;
  /** At least one, none twice. */
  readonly names: readonly string[];
}

/** A name on the server, and who wants it. */
interface Shared {
  readonly queues: Set<HandlerQueue>;
  /** The server has confirmed it. */
  readonly live: Promise<void>;
}

/**
 * The subscriptions of one bus, on one connection. A name that several queues want is subscribed to once, from the
 * first to the last of them, so that each queue gets a message once.
 */
export class RedisSubscriptions {
  readonly #connection: SubscriberConnection;
  readonly #shared = new Map<string, Shared>();
  readonly #wanted: Map<HandlerQueue, WantedNames>;

  private constructor(connection: SubscriberConnection, wanted: Map<HandlerQueue, WantedNames>) {
    this.#connection = connection;
    this.#wanted = wanted;
  }

  /** Connects, or rejects with an error of the area. */
  static async open({ target, ...settings }: SubscriptionsSettings): Promise<RedisSubscriptions> {
    const wanted = new Map<HandlerQueue, WantedNames>();
    const connection = await SubscriberConnection.open({
      ...settings,
      open: target.subscribe,
      onLost: () => {},
      onRestored: () => {
        for (const queue of wanted.keys()) queue.gap(undefined);
      },
    });
    return new RedisSubscriptions(connection, wanted);
  }

  /** Whether messages can arrive now. */
  get isReady(): boolean {
    return this.#connection.isReady;
  }

  /** Those that have not ended. */
  get queues(): HandlerQueue[] {
    return [...this.#wanted.keys()];
  }

  /** How many there are, how much waits for their handlers, and is under way. */
  get load(): { subscriptions: number; queued: number; running: number } {
    const { queues } = this;
    return {
      subscriptions: queues.length,
      queued: queues.reduce((sum, queue) => sum + queue.queued, 0),
      running: queues.reduce((sum, queue) => sum + queue.running, 0),
    };
  }

  /** Resolves when everything that is published from then on reaches the queue; when it rejects, nothing does. */
  async add(queue: HandlerQueue, wanted: WantedNames, options: WaitOptions): Promise<void> {
    const { kind, names } = wanted;
    try {
      await settleWithin(
        Promise.all(names.map((name) => this.#join(queue, kind, name))),
        options,
        (interruption) =>
          interruptionError("subscribe", interruption, {
            reason: "the server has not confirmed it",
            outcome: "not-applied",
          }),
      );
    } catch (error) {
      queue.stop(error);
      this.#leaveAll(queue, wanted);
      throw error;
    }
    this.#wanted.set(queue, wanted);
    // Who closes waits for those that are at work.
    queue.ended.then(() => this.#wanted.delete(queue));
  }

  /** Offers nothing more to the queue. */
  remove(queue: HandlerQueue): void {
    const wanted = this.#wanted.get(queue);
    if (wanted) this.#leaveAll(queue, wanted);
  }

  /** Resolves when what the server had to tell has been heard, if there is a connection. */
  flush(): Promise<void> {
    return this.#connection.flush();
  }

  /** Ends the connection. */
  close(): void {
    this.#connection.close();
  }

  #join(queue: HandlerQueue, kind: SubscriptionKind, name: string): Promise<void> {
    const key = `${kind} ${name}`;
    let shared = this.#shared.get(key);
    if (!shared) {
      const queues = new Set<HandlerQueue>();
      const listener = (channel: string, bytes: Uint8Array): void => {
        for (const one of queues) one.offer(channel, bytes);
      };
      const live = this.#connection.add(kind, name, listener);
      shared = { queues, live };
      this.#shared.set(key, shared);
    }
    shared.queues.add(queue);
    return shared.live;
  }

  #leaveAll(queue: HandlerQueue, { kind, names }: WantedNames): void {
    for (const name of names) this.#leave(queue, kind, name);
  }

  #leave(queue: HandlerQueue, kind: SubscriptionKind, name: string): void {
    const key = `${kind} ${name}`;
    const shared = this.#shared.get(key);
    if (!shared?.queues.delete(queue) || shared.queues.size > 0) return;
    this.#shared.delete(key);
    this.#connection.remove(kind, name);
  }
}
