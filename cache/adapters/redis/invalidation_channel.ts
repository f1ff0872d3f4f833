import type { CallOptions } from "../../../core/call_options.ts";
import type { Clock } from "../../../core/clock.ts";
import { type Observer, safeObserver } from "../../../core/observer.ts";
import { checkCall, closedError } from "../../call_rules.ts";
import type {
  Invalidation,
  InvalidationChannel,
  InvalidationListener,
} from "../../invalidations.ts";
import { CACHE_AREA } from "./cache_area.ts";
import type { RedisTarget } from "../../../core/redis/channel.ts";
import { decodeInvalidation, encodeInvalidation } from "./invalidation_message.ts";
import type { Owed, OwedInvalidations } from "./owed_invalidations.ts";
import { type RedisStore, REPEATABLE } from "./store.ts";
import { SubscriberConnection } from "../../../core/redis/subscriber_connection.ts";

/** How to build a {@linkcode RedisInvalidationChannel}. */
export interface InvalidationChannelSettings {
  /** Whose connection carries what is published. */
  readonly store: RedisStore;
  /** What the store carries out late; it is published then, because readers may have asked too early. */
  readonly owed?: OwedInvalidations;
  /** Where to subscribe. */
  readonly target: RedisTarget;
  /** The namespace; the channel is `<namespace>/invalidations`. */
  readonly namespace: string;
  /** How long one attempt to connect may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Measures deadlines and pauses. */
  readonly clock: Clock;
  /** Hears of `cache.subscription_lost` and `cache.invalidation_malformed`. */
  readonly observer: Observer;
}

const decoder = new TextDecoder();

interface Subscription {
  readonly listener: InvalidationListener;
}

/**
 * Invalidations over the server's publish and subscribe, which forgets at once what nobody hears. What is
 * published goes over the connection of the store, after the writes that it is about. What is heard comes over
 * one connection of its own, there from the first subscription to the end of the last: it is replaced within 5 s
 * of the server's return when it breaks or the server has not answered for 4 s. Each replacement is a
 * gap, and so is a message that cannot be read.
 *
 * In a cluster every node hears what is published on any of them.
 *
 * ```ts
 * import { RedisCacheProvider } from "@benchmark-exchange/infrastructure/cache/redis";
 *
 * const cache = await RedisCacheProvider.connect({ url: "redis://127.0.0.1:6379" });
 * const unsubscribe = await cache.invalidations.subscribe({
 *   onInvalidation: (invalidation) => console.log("drop", invalidation),
 *   onGap: () => console.log("drop everything"),
 * });
 * await cache.invalidations.publish({ kind: "tag", tag: "benchmark:123" });
 * await unsubscribe();
 * await cache.close();
 * ```
 */
export class RedisInvalidationChannel implements InvalidationChannel {
  readonly #settings: InvalidationChannelSettings;
  readonly #name: string;
  readonly #observer: Observer;
  readonly #subscriptions = new Set<Subscription>();
  #connection: Promise<SubscriberConnection> | undefined;
  #closed = false;

  /** Creates one; nothing is connected before the first subscription. */
  constructor(settings: InvalidationChannelSettings) {
    this.#settings = settings;
    this.#name = `${settings.namespace}/invalidations`;
    this.#observer = safeObserver(settings.observer);
    // Without another attempt: it was told before, and the `ttlMs` of the tiers is the bound.
    settings.owed?.tellWith((one) => void this.publish(toInvalidation(one)).catch(() => {}));
  }

  /** See {@linkcode InvalidationChannel.publish}. */
  async publish(invalidation: Invalidation, options: CallOptions = {}): Promise<void> {
    const operation = "InvalidationChannel.publish";
    if (this.#closed) throw closedError(operation);
    checkCall(operation, options);
    const { store } = this.#settings;
    const args = ["PUBLISH", this.#name, encodeInvalidation(invalidation)];
    await store.connection.send(
      { args, ...REPEATABLE },
      store.deadline({ ...options, operation }),
    );
  }

  /** See {@linkcode InvalidationChannel.subscribe}. */
  async subscribe(listener: InvalidationListener): Promise<() => Promise<void>> {
    const operation = "InvalidationChannel.subscribe";
    if (this.#closed) throw closedError(operation);
    const subscription = { listener };
    this.#subscriptions.add(subscription);
    try {
      await (this.#connection ??= this.#open());
    } catch (error) {
      await this.#end(subscription);
      throw error;
    }
    if (!this.#subscriptions.has(subscription)) throw closedError(operation);
    return () => this.#end(subscription);
  }

  /** Ends every subscription and the connection. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#subscriptions.clear();
    await this.#disconnect();
  }

  async #open(): Promise<SubscriberConnection> {
    const { target, connectTimeoutMs, clock } = this.#settings;
    const tellGap = (): void => this.#tell((listener) => listener.onGap());
    const connection = await SubscriberConnection.open({
      area: CACHE_AREA,
      open: target.subscribe,
      onLost: tellGap,
      onRestored: tellGap,
      connectTimeoutMs,
      clock,
      observer: this.#observer,
    });
    const call = { operation: "InvalidationChannel.subscribe", timeoutMs: connectTimeoutMs };
    const receive = (_: string, bytes: Uint8Array): void => this.#receive(bytes);
    try {
      await connection.add("channel", this.#name, receive, call);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  async #end(subscription: Subscription): Promise<void> {
    this.#subscriptions.delete(subscription);
    if (this.#subscriptions.size === 0) await this.#disconnect();
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.then((one) => one.close(), () => {});
  }

  #receive(bytes: Uint8Array): void {
    const invalidation = decodeInvalidation(decoder.decode(bytes));
    if (invalidation) {
      this.#tell((listener) => listener.onInvalidation(invalidation));
      return;
    }
    this.#observer.count("cache.invalidation_malformed", 1);
    this.#tell((listener) => listener.onGap());
  }

  #tell(say: (listener: InvalidationListener) => void): void {
    for (const { listener } of this.#subscriptions) say(listener);
  }
}

function toInvalidation({ kind, name }: Owed): Invalidation {
  if (kind === "key") return { kind, keys: [name] };
  return kind === "tag" ? { kind, tag: name } : { kind, pattern: name };
}
