import { createInbox, type Msg, nanos, type NatsConnection } from "@nats-io/transport-node";
import type { Clock } from "../../../core/clock.ts";

/** What a pull asks for. */
export interface PullRequest {
  /** The stream of the consumer. */
  readonly stream: string;
  /** The consumer. */
  readonly consumer: string;
  /** The most messages. */
  readonly max: number;
  /** How long the server waits for the first, in milliseconds; 0: not at all. */
  readonly waitMs: number;
  /** How much longer its answer may take, in milliseconds. */
  readonly graceMs: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** How a pull ended. */
export interface Pulled {
  /** What came. */
  readonly messages: readonly Msg[];
  /**
   * `done`: the server had no more, or the signal aborted. `gone`: there is no such consumer, or it was deleted.
   * `silent`: the server did not answer in time.
   */
  readonly end: "done" | "gone" | "silent";
}

/** How long after an abort the server may take to say that it sends nothing more, in milliseconds. */
const FAREWELL_MS = 500;

/**
 * Asks a pull consumer for messages: those that there are, or else the first to come. The client's `fetch` waits for
 * a second or more for a full batch, and drops what arrives while it is being stopped.
 */
export function pull(nc: NatsConnection, request: PullRequest, clock: Clock): Promise<Pulled> {
  const { stream, consumer, max, waitMs, graceMs, signal } = request;
  const messages: Msg[] = [];
  return new Promise((resolve) => {
    const finish = (end: Pulled["end"]): void => {
      cancel();
      signal?.removeEventListener("abort", abort);
      if (!subscription.isClosed()) subscription.unsubscribe();
      resolve({ messages, end });
    };
    // What the server sent before it heard of the end arrives before its answer to the flush.
    const abort = (): void => {
      cancel();
      cancel = clock.after(FAREWELL_MS, () => finish("done"));
      // Not unsubscribed here yet, only there: what is under way still has to be heard.
      subscription.drain().then(() => finish("done"), () => finish("done"));
    };
    const subscription = nc.subscribe(createInbox(), {
      callback: (error, message) => {
        if (error) return finish("silent");
        const status = message.headers?.code ?? 0;
        if (status === 0) {
          messages.push(message);
          if (messages.length >= max) finish("done");
        } else if (status !== 100) finish(status === 404 || status === 408 ? "done" : "gone");
      },
    });
    let cancel = clock.after(
      waitMs + graceMs,
      () => finish(messages.length > 0 ? "done" : "silent"),
    );
    signal?.addEventListener("abort", abort, { once: true });
    const body = {
      batch: max,
      no_wait: true,
      ...waitMs > 0 && { expires: nanos(Math.ceil(waitMs)) },
    };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    nc.publish(subject, JSON.stringify(body), { reply: subscription.getSubject() });
  });
}
