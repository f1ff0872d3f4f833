import type { DeliveryContext, Message, MessageHandler, Subscription } from "./messaging.ts";

/** The messages of a subscription, one after the other. */
export interface MessageIterator extends AsyncIterableIterator<Message>, AsyncDisposable {}

/**
 * Subscribes, and gives the messages to a loop instead of a handler:
 *
 * ```ts
 * import {
 *   EventChannel,
 *   iterateMessages,
 *   MemoryEventBus,
 * } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const bus = new MemoryEventBus();
 * const messages = await iterateMessages((handler) => bus.subscribe(EventChannel.USER, handler));
 * for await (const message of messages) {
 *   console.log(message.payload);
 * }
 * ```
 *
 * It works on every bus: a message counts as handled when the loop asks for the next one, so the
 * subscription's own queue is the buffer, with its bound, and its handler timeout is the time that the
 * loop may take for one message. A message that waited for the loop longer than that is not given.
 *
 * Leaving the loop unsubscribes; the loop ends when the subscription does. An iterator that is never
 * read has to be disposed of.
 */
export async function iterateMessages(
  subscribe: (handler: MessageHandler) => Promise<Subscription>,
): Promise<MessageIterator> {
  const handOver = new HandOver();
  const subscription = await subscribe((message, context) => handOver.give(message, context));
  subscription.ended.then(() => handOver.end());
  const iterator: MessageIterator = {
    next: () => handOver.take(),
    async return() {
      handOver.end();
      await subscription.unsubscribe();
      return { done: true, value: undefined };
    },
    async [Symbol.asyncDispose]() {
      await iterator.return?.();
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

type Result = IteratorResult<Message, undefined>;

interface Offer {
  readonly message: Message;
  readonly handled: () => void;
}

/** Where handler calls, which have a message, meet calls of `next`, which want one. */
class HandOver {
  readonly #takers: ((result: Result) => void)[] = [];
  #offers: Offer[] = [];
  #handled: () => void = () => {};
  #ended = false;

  /** Resolves when the message has been handled. */
  give(message: Message, { signal }: DeliveryContext): Promise<void> {
    return new Promise((handled) => {
      if (this.#ended) return handled();
      const offer: Offer = { message, handled };
      const taker = this.#takers.shift();
      if (taker !== undefined) {
        taker(this.#accept(offer));
        if (this.#takers.length > 0) this.#handled();
        return;
      }
      this.#offers.push(offer);
      signal.addEventListener("abort", () => {
        this.#offers = this.#offers.filter((other) => other !== offer);
      }, { once: true });
    });
  }

  /** Resolves with the next message; the one before it has been handled then. */
  take(): Promise<Result> {
    this.#handled();
    const offer = this.#offers.shift();
    if (offer !== undefined) return Promise.resolve(this.#accept(offer));
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((taker) => this.#takers.push(taker));
  }

  /** Nothing more comes: who waits for a message gets none, and every message has been handled. */
  end(): void {
    this.#ended = true;
    this.#handled();
    for (const offer of this.#offers) offer.handled();
    for (const taker of this.#takers.splice(0)) taker({ done: true, value: undefined });
    this.#offers = [];
  }

  #accept({ message, handled }: Offer): Result {
    this.#handled();
    this.#handled = handled;
    return { done: false, value: message };
  }
}
