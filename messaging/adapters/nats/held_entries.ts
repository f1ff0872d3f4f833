import type { StreamEntry } from "../../streams.ts";
import type { Held } from "./delivery.ts";

/** What a reader was given and has not settled. */
export class HeldEntries {
  readonly #byEntry = new Map<StreamEntry, Held>();
  readonly #byPlace = new Map<string, Held>();

  /** Remembers what is new, and returns it, the oldest first. */
  keep(deliveries: readonly Held[]): StreamEntry[] {
    const fresh: Held[] = [];
    for (const delivered of deliveries) {
      const place = placeOf(delivered);
      const known = this.#byPlace.get(place);
      // Nobody else has what comes back here, and it is at work. A first attempt is that of a group that went back.
      if (known && delivered.attempt > 1) {
        Object.assign(known, { reply: delivered.reply, signMs: delivered.signMs });
        continue;
      }
      this.#byEntry.set(delivered.entry, delivered);
      this.#byPlace.set(place, delivered);
      fresh.push(delivered);
    }
    return fresh.sort((one, other) => one.sequence - other.sequence).map(({ entry }) => entry);
  }

  /** Those of the entries that are held. */
  find(entries: readonly StreamEntry[]): Held[] {
    return entries.map((entry) => this.#byEntry.get(entry)).filter((one) => one !== undefined);
  }

  /** They are settled. */
  forget(held: readonly Held[]): void {
    for (const one of held) {
      this.#byEntry.delete(one.entry);
      const place = placeOf(one);
      if (this.#byPlace.get(place) === one) this.#byPlace.delete(place);
    }
  }

  /** Nothing is held any more. */
  clear(): void {
    this.#byEntry.clear();
    this.#byPlace.clear();
  }
}

function placeOf({ stream, consumer, sequence }: Held): string {
  return `${stream} ${consumer} ${sequence}`;
}
