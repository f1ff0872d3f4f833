import { HandlerCall } from "./handler_call.ts";
import type { StreamContext, StreamEntry } from "./streams.ts";

/** One attempt to handle an entry. */
export class Delivery extends HandlerCall implements StreamContext {
  /** See {@linkcode StreamContext.position}. */
  readonly position: string;
  /** See {@linkcode StreamContext.attempt}. */
  readonly attempt: number;

  /** Begins an attempt. */
  constructor({ position }: StreamEntry, attempt: number) {
    super();
    this.position = position;
    this.attempt = attempt;
  }
}

/** How an entry stands that was read and is not settled. */
export type Stage = "waiting" | "handled" | Delivery;

/** The entries that a subscription was given and has not settled. */
export class InFlight {
  readonly #stages = new Map<StreamEntry, Stage>();
  #onChange = (): void => {};

  /** How many there are. */
  get size(): number {
    return this.#stages.size;
  }

  /** Takes entries that were read. */
  add(entries: readonly StreamEntry[]): void {
    for (const entry of entries) this.#stages.set(entry, "waiting");
  }

  /** Returns whether the entry is still held; what was given up is somebody else's. */
  change(entry: StreamEntry, stage: Stage): boolean {
    if (!this.#stages.has(entry)) return false;
    this.#stages.set(entry, stage);
    this.#onChange();
    return true;
  }

  /** The entry is settled. */
  letGo(entry: StreamEntry): void {
    this.#stages.delete(entry);
    this.#onChange();
  }

  /** Gives everything up. */
  clear(): void {
    this.#stages.clear();
  }

  /** The entries in some stages, the oldest first. */
  inStage(wanted: (stage: Stage) => boolean): StreamEntry[] {
    return [...this.#stages].filter(([, stage]) => wanted(stage)).map(([entry]) => entry);
  }

  /** The attempts that are under way. */
  deliveries(): Delivery[] {
    return [...this.#stages.values()].filter((stage) => stage instanceof Delivery);
  }

  /** Resolves when the next entry is in another stage, or let go, or when it is woken; one at a time waits. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#onChange = resolve);
  }

  /** Ends the waiting. */
  wake(): void {
    this.#onChange();
  }
}
