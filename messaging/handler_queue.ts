import { type Clock, systemClock } from "../core/clock.ts";
import { ValidationError } from "../core/errors.ts";
import type {
  DeliveryProblem,
  Message,
  MessageHandler,
  ProblemHandler,
  SubscribeOptions,
  Subscription,
} from "./messaging.ts";
import { kindOf } from "../core/shown_value.ts";
import { checkInteger } from "../core/validation.ts";
import { checkCall } from "./interruption.ts";
import { decodeEnvelope } from "./envelope.ts";
import type { CallOptions } from "../core/call_options.ts";
import { HandlerCall, type HandlerDeadline } from "./handler_call.ts";
import { nextTurn } from "../core/next_turn.ts";
import type { UndecodableMessageError } from "./undecodable_message_error.ts";

/** How many messages one turn of the event loop takes, so that timers and sockets get theirs. */
const MESSAGES_PER_TURN = 64;

/** What a {@linkcode HandlerQueue} needs from its bus. */
export interface HandlerQueueParts {
  /** Where problems go unless the subscription says otherwise. */
  readonly onProblem: ProblemHandler;
  /** Tells the bus to offer nothing more. Called once. */
  readonly detach: () => Promise<void> | void;
  /** The largest payload to decode. */
  readonly maxPayloadBytes: number;
  /** Measures the time of handlers. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
}

type Entry = { readonly channel: string; readonly bytes: Uint8Array } | Gap;

interface Gap {
  lost: number | undefined;
}

/**
 * What stands between a bus and one handler of an at-most-once subscription: a bounded queue, and
 * workers that decode and call the handler, isolated from everybody else.
 *
 * The bus calls {@linkcode HandlerQueue.offer}, which never throws and never calls the handler.
 */
export class HandlerQueue implements Subscription {
  /** See {@linkcode Subscription.ended}. */
  readonly ended: Promise<void>;
  readonly #handler: MessageHandler;
  readonly #parts: HandlerQueueParts;
  readonly #concurrency: number;
  readonly #maxQueued: number;
  readonly #deadline: HandlerDeadline;
  readonly #onProblem: ProblemHandler;
  readonly #running = new Set<HandlerCall>();
  #resolveEnded: () => void = () => {};
  #entries: Entry[] = [];
  #workers = 0;
  #open = true;
  #detached: Promise<void> | undefined;

  /** Creates an open queue. Throws a `ValidationError` that names a malformed handler or option. */
  constructor(handler: MessageHandler, options: SubscribeOptions, parts: HandlerQueueParts) {
    if (typeof handler !== "function") {
      throw new ValidationError("handler", `it must be a function, got ${kindOf(handler)}`);
    }
    const { concurrency = 1, maxQueued = 1_000, handlerTimeoutMs = 30_000 } = options;
    this.#concurrency = checkInteger("concurrency", concurrency, { min: 1, max: 1_000 });
    this.#maxQueued = checkInteger("maxQueued", maxQueued, { min: 1, max: 100_000 });
    this.#deadline = {
      timeoutMs: checkInteger("handlerTimeoutMs", handlerTimeoutMs, { min: 1 }),
      clock: parts.clock ?? systemClock,
    };
    this.#onProblem = options.onProblem ?? parts.onProblem;
    this.#handler = handler;
    this.#parts = parts;
    this.ended = new Promise((resolve) => this.#resolveEnded = resolve);
  }

  /** How many messages wait for the handler. */
  get queued(): number {
    return this.#entries.length;
  }

  /** How many handler calls are under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Takes what arrived on a channel, or counts it as lost when the queue is full. */
  offer(channel: string, bytes: Uint8Array): void {
    if (!this.#open) return;
    if (this.#entries.length < this.#maxQueued) this.#add({ channel, bytes });
    else this.#lose(1);
  }

  /** Notes that messages went missing here; `undefined` says that nobody knows how many. */
  gap(lost: number | undefined): void {
    if (this.#open) this.#lose(lost);
  }

  /** See {@linkcode Subscription.unsubscribe}. */
  async unsubscribe(options: CallOptions = {}): Promise<void> {
    checkCall("unsubscribe", options);
    this.#entries = [];
    await this.finish();
  }

  /** The same as {@linkcode HandlerQueue.unsubscribe}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.unsubscribe();
  }

  /** Takes nothing more, but hands what is queued to the handler; `ended` says when that is done. */
  finish(): Promise<void> {
    this.#open = false;
    this.#endWhenIdle();
    this.#detached ??= Promise.resolve(this.#parts.detach());
    return this.#detached;
  }

  /** Ends at once: drops what is queued and waits for no handler; their signals abort. */
  stop(reason: unknown): void {
    this.#open = false;
    this.#entries = [];
    for (const call of this.#running) call.abort(reason);
    this.#resolveEnded();
  }

  #add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#workers < this.#concurrency) void this.#work();
  }

  /** Gaps are entries of the queue, so that each is reported once and where it is. */
  #lose(lost: number | undefined): void {
    const last = this.#entries.at(-1);
    if (last === undefined || !("lost" in last)) return this.#add({ lost });
    last.lost = last.lost === undefined || lost === undefined ? undefined : last.lost + lost;
  }

  async #work(): Promise<void> {
    this.#workers++;
    while (this.#entries.length > 0) {
      await nextTurn();
      for (let i = 0; i < MESSAGES_PER_TURN; i++) {
        const entry = this.#entries.shift();
        if (entry === undefined) break;
        const running = this.#process(entry);
        if (running) await running;
      }
    }
    this.#workers--;
    this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (!this.#open && this.#workers === 0) this.#resolveEnded();
  }

  /** Returns `undefined` when it is over. */
  #process(entry: Entry): Promise<void> | undefined {
    if ("lost" in entry) return this.#report({ kind: "gap", lost: entry.lost });
    const { channel, bytes } = entry;
    let message: Message;
    try {
      message = decodeEnvelope(channel, bytes, this.#parts.maxPayloadBytes);
    } catch (error) {
      return this.#report({
        kind: "undecodable",
        channel,
        error: error as UndecodableMessageError,
      });
    }
    return this.#handle(message);
  }

  #handle(message: Message): Promise<void> | undefined {
    const call = new HandlerCall();
    try {
      const running = call.run(message, this.#handler, this.#deadline);
      if (running) return this.#settle(message, call, running);
    } catch (error) {
      this.#report({ kind: "handler_failed", message, error });
    }
    return undefined;
  }

  async #settle(message: Message, call: HandlerCall, running: Promise<void>): Promise<void> {
    this.#running.add(call);
    try {
      await running;
    } catch (error) {
      this.#report({ kind: "handler_failed", message, error });
    } finally {
      this.#running.delete(call);
    }
  }

  #report(problem: DeliveryProblem): undefined {
    const call = async (): Promise<unknown> => await this.#onProblem(problem);
    call().catch(() => {
      // There is nobody left to tell.
    });
  }
}
