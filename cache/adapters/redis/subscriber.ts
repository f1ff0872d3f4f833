/** A connection that hears the messages of one channel. */
export interface RedisSubscriber {
  /** Resolves when the server answers. */
  ping(): Promise<unknown>;
  /** Ends the connection at once. */
  destroy(): void;
}

/** What a {@linkcode RedisSubscriber} tells. */
export interface SubscriberEvents {
  /** A message has arrived. */
  onMessage(text: string): void;
  /** The connection cannot be trusted any more: messages may have been lost. May be called again. */
  onBroken(error: unknown): void;
}

/**
 * Connects and subscribes to a channel; rejects if that cannot be done, or with the signal's reason.
 * Reports a connection that breaks from then on, and also while it is made.
 */
export type OpenSubscriber = (
  channel: string,
  signal: AbortSignal,
  events: SubscriberEvents,
) => Promise<RedisSubscriber>;

/** What is used of a client to hear messages. */
export interface HearingClient {
  /** Sends a command. */
  sendCommand(args: readonly (string | Uint8Array)[]): Promise<unknown>;
  /** Subscribes; resolves when the server has confirmed it. */
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
}

/**
 * Subscribes a client of the package `redis`. The client reads replies of the server and calls its
 * listeners in one go: what a listener throws makes it lose the replies in between, and every later reply goes to
 * a caller that it is not for. So its listener only hands on, and what fails then breaks the connection.
 */
export async function hear(
  client: HearingClient,
  channel: string,
  { onMessage, onBroken }: SubscriberEvents,
): Promise<void> {
  await client.subscribe(channel, (message) => {
    queueMicrotask(() => {
      try {
        onMessage(message);
      } catch (error) {
        onBroken(error);
      }
    });
  });
}
