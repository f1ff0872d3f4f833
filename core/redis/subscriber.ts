import type { Buffer } from "node:buffer";

/** Whether a name is that of one channel, or a pattern for many. */
export type SubscriptionKind = "channel" | "pattern";

/** Hears of a message. */
export type MessageListener = (channel: string, bytes: Uint8Array) => void;

/** A connection that hears messages. */
export interface RedisSubscriber {
  /** Subscribes; resolves when the server has confirmed it. Once for each kind and name. */
  add(kind: SubscriptionKind, name: string, listener: MessageListener): Promise<unknown>;
  /** Ends a subscription; resolves when the server has confirmed it. */
  remove(kind: SubscriptionKind, name: string): Promise<unknown>;
  /** Resolves when the server answers. */
  ping(): Promise<unknown>;
  /** Ends the connection at once. */
  destroy(): void;
}

/**
 * Connects to hear messages; rejects if that cannot be done, or with the signal's reason. Calls `onBroken` when the
 * connection cannot be trusted any more, perhaps more than once and also while it is made.
 */
export type OpenSubscriber = (
  signal: AbortSignal,
  onBroken: (error: unknown) => void,
) => Promise<RedisSubscriber>;

type ClientListener = (message: Buffer, channel: Buffer) => void;

/** What is used of a client to hear messages. */
export interface HearingClient {
  /** Sends a command. */
  sendCommand(args: readonly (string | Uint8Array)[]): Promise<unknown>;
  /** Subscribes to a channel; resolves when the server has confirmed it. */
  subscribe(channel: string, listener: ClientListener, bufferMode: true): Promise<unknown>;
  /** Subscribes to a pattern. */
  pSubscribe(pattern: string, listener: ClientListener, bufferMode: true): Promise<unknown>;
  /** Ends the subscription to a channel. */
  unsubscribe(channel: string, listener: ClientListener, bufferMode: true): Promise<unknown>;
  /** Ends the subscription to a pattern. */
  pUnsubscribe(pattern: string, listener: ClientListener, bufferMode: true): Promise<unknown>;
}

/**
 * Hears messages with a client of the package `redis`. The client reads replies of the server and calls its
 * listeners in one go: what a listener throws makes it lose the replies in between, and every later reply goes to
 * a caller that it is not for. So its listener lets nothing through: what fails breaks the connection, later.
 *
 * Subscriptions are ended with their listener. Without it the client would take one that begins before the
 * server has confirmed the end for one that is there already, and forget it with the old one.
 */
export function hear(
  client: HearingClient,
  destroy: () => void,
  onBroken: (error: unknown) => void,
): RedisSubscriber {
  const guarded = (listener: MessageListener): ClientListener => (message, channel) => {
    try {
      listener(channel.toString(), message);
    } catch (error) {
      queueMicrotask(() => onBroken(error));
    }
  };
  const listeners = new Map<string, ClientListener>();
  return {
    add(kind, name, listener) {
      const guard = guarded(listener);
      listeners.set(`${kind} ${name}`, guard);
      return kind === "channel"
        ? client.subscribe(name, guard, true)
        : client.pSubscribe(name, guard, true);
    },
    async remove(kind, name) {
      const guard = listeners.get(`${kind} ${name}`);
      if (!guard) return;
      listeners.delete(`${kind} ${name}`);
      if (kind === "channel") await client.unsubscribe(name, guard, true);
      else await client.pUnsubscribe(name, guard, true);
    },
    ping: () => client.sendCommand(["PING"]),
    destroy,
  };
}
