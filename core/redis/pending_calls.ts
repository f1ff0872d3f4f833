import type { CallOptions, Interruption } from "../call_options.ts";
import type { Clock } from "../clock.ts";
import type { InfrastructureError } from "../errors.ts";
import type { RedisArea } from "./redis_area.ts";
import { interruptedError } from "./redis_error.ts";

/** How a command is called. */
export interface RedisCall extends CallOptions {
  /** The public call that it is for. */
  readonly operation: string;
  /** The deadline, in milliseconds from now, or from when the call began if that is given by `endMs`. */
  readonly timeoutMs: number;
  /** When the call has to be over, of which this is one step, by the clock. */
  readonly endMs?: number | undefined;
}

interface PendingCall {
  readonly operation: string;
  readonly timeoutMs: number;
  readonly sentAtMs: number;
  readonly deadlineMs: number;
  /** Ends the caller's waiting; `undefined` once that has ended. The reply may still come. */
  fail: ((error: InfrastructureError) => void) | undefined;
}

/** What {@linkcode PendingCalls} tell of replies. */
export interface ReplyListener {
  /** A reply came, if only after its caller had gone. */
  onReply(): void;
  /**
   * Replies are late by the deadlines of their calls: again and again, until one comes. `ageMs` is the age of the
   * call whose reply has to come first, and `isDue` whether that is among the late ones.
   */
  onLate(ageMs: number, isDue: boolean): void;
}

/** How often deadlines are looked at: one timer for all calls costs less than one for each. */
const TICK_MS = 20;

/** A look that is this late was held up by this process, and so were replies, which are read before the next. */
const HELD_UP_MS = 100;

/**
 * The calls whose replies have not come, in the order in which replies come. Each settles by its
 * deadline (at most 20 ms later) or its signal. A call that nobody waits for any more stays here until
 * its reply comes, because that reply is still in the way of the next.
 */
export class PendingCalls {
  readonly #calls = new Set<PendingCall>();
  readonly #area: RedisArea;
  readonly #clock: Clock;
  readonly #listener: ReplyListener;
  #ticking = false;
  #isHeldUp = false;

  /** Creates an empty one. */
  constructor(area: RedisArea, clock: Clock, listener: ReplyListener) {
    this.#area = area;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** How many replies have not come. */
  get size(): number {
    return this.#calls.size;
  }

  /** Settles as `reply` does, or rejects by the deadline or the signal. `sentAtMs` is now unless it is known. */
  wait(
    reply: Promise<unknown>,
    call: RedisCall,
    sentAtMs: number = this.#clock.monotonic(),
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { operation, signal, timeoutMs, endMs } = call;
      const deadlineMs = endMs ?? sentAtMs + timeoutMs;
      const pending: PendingCall = { operation, timeoutMs, sentAtMs, deadlineMs, fail: reject };
      this.#calls.add(pending);
      if (!this.#ticking) this.#tickLater();
      const unlink = signal && this.#endBySignal(signal, pending);
      const finish = (): void => {
        if (this.#calls.delete(pending)) this.#listener.onReply();
        pending.fail = undefined;
        unlink?.();
      };
      reply.then(
        (value) => (finish(), resolve(value)),
        (error) => (finish(), reject(error)),
      );
    });
  }

  /** Forgets every call; those that somebody waits for reject with what `toError` says. */
  failAll(toError: (operation: string) => InfrastructureError): void {
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const { operation, fail } of calls) fail?.(toError(operation));
  }

  #tickLater(): void {
    this.#ticking = this.#calls.size > 0;
    if (!this.#ticking) return;
    const dueMs = this.#clock.monotonic() + TICK_MS;
    this.#clock.after(TICK_MS, () => {
      const nowMs = this.#clock.monotonic();
      this.#isHeldUp = !this.#isHeldUp && nowMs >= dueMs + HELD_UP_MS;
      if (!this.#isHeldUp) this.#endLate(nowMs);
      this.#tickLater();
    });
  }

  #endLate(nowMs: number): void {
    let isLate = false;
    for (const call of this.#calls) {
      if (nowMs < call.deadlineMs) continue;
      isLate = true;
      this.#interrupt(call, { kind: "timeout", timeoutMs: call.timeoutMs });
    }
    const [first] = this.#calls;
    if (!first || !isLate) return;
    this.#listener.onLate(nowMs - first.sentAtMs, nowMs >= first.deadlineMs);
  }

  #endBySignal(signal: AbortSignal, call: PendingCall): () => void {
    const abort = (): void => this.#interrupt(call, { kind: "aborted", reason: signal.reason });
    signal.addEventListener("abort", abort, { once: true });
    return () => signal.removeEventListener("abort", abort);
  }

  #interrupt(call: PendingCall, interruption: Interruption): void {
    const { fail } = call;
    call.fail = undefined;
    fail?.(interruptedError(this.#area, call.operation, interruption));
  }
}
