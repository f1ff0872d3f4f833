import { CoarseTime } from "./coarse_time.ts";
import { isEdge } from "./edge.ts";

/** What a timer is for. */
export interface TimerOptions {
  /** Nobody waits for it, so the process may end before. Default: `false`. */
  readonly background?: boolean;
}

/** A source of time. Everything that expires, waits or measures takes one, so tests own the time. */
export interface Clock {
  /** Wall-clock milliseconds since the Unix epoch. */
  now(): number;
  /**
   * The same for who asks very often; it may be that of a moment before in the same turn of the event loop.
   * Default: `now`.
   */
  coarseNow?(): number;
  /** Milliseconds that never go back, for durations. */
  monotonic(): number;
  /**
   * Calls `callback` once after `delayMs`, for any finite delay. Returns a function that cancels.
   * A timer that somebody waits for keeps the process alive; one for housekeeping must not, and
   * says `background`.
   */
  after(delayMs: number, callback: () => void, options?: TimerOptions): () => void;
}

/** Above this `setTimeout` fires at once, on every runtime. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const coarseTime = new CoarseTime();

/** The clock of the machine; see {@linkcode CoarseTime} for `coarseNow`. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // A turn that began in a request may never end there, and what it shares would be told to the next.
  coarseNow: isEdge() ? () => Date.now() : () => coarseTime.now(),
  monotonic: () => performance.now(),
  after(delayMs: number, callback: () => void, options: TimerOptions = {}): () => void {
    let remainingMs = delayMs;
    let timer: ReturnType<typeof setTimeout>;
    const start = (): void => {
      const stepMs = Math.min(remainingMs, LONGEST_TIMER_MS);
      remainingMs -= stepMs;
      timer = setTimeout(() => remainingMs > 0 ? start() : callback(), stepMs);
      if (options.background) unref(timer);
    };
    start();
    return () => clearTimeout(timer);
  },
};

function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
