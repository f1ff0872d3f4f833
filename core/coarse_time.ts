import { nextTurn } from "./next_turn.ts";

/** More calls than these in one millisecond are a crowd. */
const CROWD = 32;

/** How many further calls share one answer in a crowd, at most. */
const SHARED_CALLS = 128;

/**
 * The wall clock for those who ask it more often than it moves, where asking costs more than what it is asked for.
 *
 * Calls that come now and then get the exact time. When more than 32 come in one millisecond, up to 128 further
 * ones get the same answer, as long as the turn of the event loop goes on. What holds up the turn between two of
 * these is not seen by the second; libuv keeps the time of its loop (`uv_now`) in the same way.
 */
export class CoarseTime {
  #nowMs = NaN;
  #callsInMs = 0;
  #callsToShare = 0;
  #endsWithTurn = false;

  /** Milliseconds since the Unix epoch. */
  now(): number {
    if (this.#callsToShare === 0) return this.#look();
    this.#callsToShare--;
    return this.#nowMs;
  }

  #look(): number {
    const nowMs = Date.now();
    if (nowMs !== this.#nowMs) this.#callsInMs = 0;
    this.#nowMs = nowMs;
    if (++this.#callsInMs > CROWD) this.#share();
    return nowMs;
  }

  #share(): void {
    this.#callsToShare = SHARED_CALLS;
    if (this.#endsWithTurn) return;
    this.#endsWithTurn = true;
    nextTurn().then(() => {
      this.#endsWithTurn = false;
      this.#callsToShare = 0;
    });
  }
}
