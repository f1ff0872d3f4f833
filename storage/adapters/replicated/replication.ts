import { type CallOptions, settleWithin } from "../../../core/call_options.ts";
import { InfrastructureError } from "../../../core/errors.ts";
import type { Observer } from "../../../core/observer.ts";
import { interruptionError, TRANSFER_TIMEOUT_MS } from "../../call.ts";
import { storageFailure, type StorageOperation } from "../../failures.ts";
import type { StorageProvider } from "../../storage.ts";
import type { Location } from "./locations.ts";
import { Slots } from "./slots.ts";

/** What the replicas have to do after a write of the primary. */
export interface ReplicationStep {
  /** The call that it belongs to. */
  readonly operation: StorageOperation;
  /** What it is about, for reports. */
  readonly bucket: string;
  /** What it is about, if that is an object. */
  readonly key?: string;
  /** Brings the replica to where the primary is. */
  readonly run: (replica: StorageProvider, signal: AbortSignal) => Promise<unknown>;
}

interface ReplicationSettings {
  readonly replicas: readonly Location[];
  /** How many replicas have to be done before a write resolves. */
  readonly needed: number;
  readonly observer: Observer;
}

/** How many steps a replica does at once, and how many may wait; what does not fit is missed. */
const CONCURRENCY = 16;
const MAX_WAITING = 10_000;

/** Has the replicas follow the primary. Steps go on when nobody waits for them any more. */
export class Replication {
  readonly #settings: ReplicationSettings;
  readonly #slots = new Map<Location, Slots>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #ended = new AbortController();

  /** Creates it; nothing runs yet. */
  constructor(settings: ReplicationSettings) {
    this.#settings = settings;
    for (const replica of settings.replicas) {
      this.#slots.set(replica, new Slots(CONCURRENCY, MAX_WAITING));
    }
  }

  /** How many steps are under way. */
  get underWay(): number {
    return this.#running.size;
  }

  /**
   * Starts the step on every replica, and resolves when as many as needed have done it. Rejects as soon as they
   * cannot any more, or by the deadline or the signal; what was started goes on.
   */
  async start(step: ReplicationStep, limits: CallOptions): Promise<void> {
    const { replicas, needed } = this.#settings;
    const runs = replicas.map((replica) => this.#track(this.#run(replica, step)));
    if (needed === 0) return;
    await settleWithin(
      enough(runs, needed, step.operation),
      { ...limits, defaultTimeoutMs: TRANSFER_TIMEOUT_MS },
      (interruption) => interruptionError(step.operation, interruption, "unknown"),
    );
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  /** Waits for what is under way, but no longer than that; what is left then ends and is reported. */
  async end(timeoutMs: number): Promise<void> {
    await settleWithin(this.settled(), { defaultTimeoutMs: timeoutMs }, () => {
      this.#ended.abort();
      return new Error("It took too long");
    }).catch(() => this.settled());
  }

  async #run(replica: Location, step: ReplicationStep): Promise<void> {
    const slots = this.#slots.get(replica)!;
    try {
      if (slots.isFull) throw tooMuch(step.operation);
      await slots.run(() => step.run(replica.storage, this.#ended.signal));
    } catch (error) {
      this.#report(replica, step, error);
      throw error;
    }
  }

  #track(run: Promise<void>): Promise<void> {
    this.#running.add(run);
    const forget = (): void => void this.#running.delete(run);
    run.then(forget, forget);
    return run;
  }

  #report({ name }: Location, { bucket, key }: ReplicationStep, error: unknown): void {
    const { observer } = this.#settings;
    const code = error instanceof InfrastructureError ? error.code : "internal";
    observer.count("storage.replica_missed", 1, { location: name, code });
    observer.log({
      level: "warn",
      message: "A replica missed a write, and has to be repaired",
      attributes: { location: name, bucket, ...(key !== undefined && { key }), code },
    });
  }
}

/** Resolves when `needed` of the runs have, and rejects as soon as so many cannot any more. */
function enough(
  runs: readonly Promise<void>[],
  needed: number,
  operation: StorageOperation,
): Promise<void> {
  let done = 0;
  let failed = 0;
  return new Promise((resolve, reject) => {
    const onDone = (): void => {
      if (++done === needed) resolve();
    };
    const onFailure = (cause: unknown): void => {
      if (++failed === runs.length - needed + 1) reject(missed(operation, needed, cause));
    };
    for (const run of runs) run.then(onDone, onFailure);
  });
}

function missed(operation: StorageOperation, needed: number, cause: unknown): Error {
  const why = `it is done on the primary, but not on ${needed} of the replicas as well`;
  return storageFailure(operation, why, { code: "unavailable", outcome: "unknown", cause });
}

function tooMuch(operation: StorageOperation): Error {
  const why = `${MAX_WAITING} writes wait for the replica already`;
  return storageFailure(operation, why, { code: "overloaded" });
}
