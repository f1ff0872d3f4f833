import type { CacheError } from "../../../core/errors.ts";
import type { Observer } from "../../../core/observer.ts";
import type { Owed, OwedInvalidations } from "./owed_invalidations.ts";
import { isUnavailable, replyCode } from "../../../core/redis/redis_error.ts";

/** Why a value was dropped. */
export type DropReason =
  | "schema_mismatch"
  | "no_room"
  | "unavailable"
  | "undecodable"
  | "wrong_type";

/** What to do when the server cannot be asked, is full, or holds what cannot be used. */
export class FailurePolicy {
  readonly #failsOpen: boolean;
  readonly #observer: Observer;
  readonly #owed: OwedInvalidations;

  /** Creates it; with `failsOpen` a cache without a server is an empty one. */
  constructor(failsOpen: boolean, observer: Observer, owed: OwedInvalidations) {
    this.#failsOpen = failsOpen;
    this.#observer = observer;
    this.#owed = owed;
  }

  /** A read failed: reports a miss, or throws the error. */
  missed(operation: string, error: unknown): undefined {
    if (!this.#failsOpen || !isUnavailable(error)) throw error;
    this.#observer.count("cache.unavailable", 1, { operation, code: error.code });
  }

  /**
   * A write failed: the key must not be read with its old value. Resolves when the loss is reported,
   * or throws the error.
   */
  async notWritten(
    key: string,
    error: unknown,
    discard: () => Promise<void>,
  ): Promise<void> {
    if (replyCode(error) === "OOM") {
      await discard().catch(() => this.#owed.add({ kind: "key", name: key }));
      this.dropped("no_room");
      return;
    }
    if (!isUnavailable(error)) throw error;
    this.#owed.add({ kind: "key", name: key });
    if (!this.#failsOpen) throw error;
    this.dropped("unavailable");
  }

  /** An invalidation failed: it is carried out later, and the error is for the caller to know. */
  notInvalidated(owed: Owed, error: unknown): CacheError {
    if (isUnavailable(error)) this.#owed.add(owed);
    return error as CacheError;
  }

  /** A value was dropped. */
  dropped(reason: DropReason): void {
    this.#observer.count("cache.value_dropped", 1, { reason });
    this.#observer.log({
      level: "warn",
      message: "A cached value was dropped",
      attributes: { reason },
    });
  }
}
