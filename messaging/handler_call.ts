import { settleWithin } from "../core/call_options.ts";
import type { Clock } from "../core/clock.ts";
import { MessagingError } from "../core/errors.ts";
import type { DeliveryContext, Message } from "./messaging.ts";

/** How long a handler may take. */
export interface HandlerDeadline {
  /** In milliseconds. */
  readonly timeoutMs: number;
  /** Measures it. */
  readonly clock: Clock;
}

/** One call of a handler, and what the handler is told about it. */
export class HandlerCall implements DeliveryContext {
  #controller: AbortController | undefined;

  /** Aborts when the handler has used up its time, or nobody can wait for it any longer. */
  get signal(): AbortSignal {
    // Few handlers ask for it, and it costs as much as decoding a message.
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** Tells the handler to stop. */
  abort(reason: unknown): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }

  /**
   * Returns `undefined` when the handler is done: a promise for each of them would cost as much as decoding its
   * message. Otherwise returns a promise that resolves when it is, and rejects with what it rejects with, or with a
   * `MessagingError` of code `timeout` when it takes too long. Throws what the handler throws.
   */
  run(
    message: Message,
    handler: (message: Message, context: this) => unknown,
    deadline: HandlerDeadline,
  ): Promise<void> | undefined {
    const result = handler(message, this);
    if (!isPromiseLike(result)) return undefined;
    return settleWithin(
      Promise.resolve(result).then(() => {}),
      { defaultTimeoutMs: deadline.timeoutMs, clock: deadline.clock },
      () => {
        const error = handlerTimeout(message, deadline.timeoutMs);
        this.abort(error);
        return error;
      },
    );
  }
}

function handlerTimeout({ id, channel }: Message, timeoutMs: number): MessagingError {
  return new MessagingError(
    `Cannot finish the handler of message ${id} on ${channel}: not done within ${timeoutMs} ms`,
    { code: "timeout", operation: "handle", outcome: "unknown" },
  );
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
