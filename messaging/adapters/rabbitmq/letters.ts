import type { ConsumeMessage } from "amqplib";
import { delay } from "../../../core/backoff.ts";
import type { Clock } from "../../../core/clock.ts";
import { decodeLetter } from "../../dead_letter.ts";
import type { StreamCall } from "../../stream_driver.ts";
import type { DeadLetter } from "../../streams.ts";
import type { RabbitMqConnection } from "./connection.ts";
import type { RabbitMqNames } from "./names.ts";
import type { RabbitMqPublisher } from "./publisher.ts";
import { TakingChannel } from "./taking_channel.ts";
import type { GroupPlace, RabbitMqTopology } from "./topology.ts";
import type { RabbitMqTurns } from "./turns.ts";

/** What {@linkcode RabbitMqLetters} work with. */
export interface LetterParts {
  /** Where letters are taken. */
  readonly connection: RabbitMqConnection;
  /** Where letters are given to their group again. */
  readonly publisher: RabbitMqPublisher;
  /** Knows whether there are letters. */
  readonly topology: RabbitMqTopology;
  /** Lets one work on the letters of a group at a time. */
  readonly turns: RabbitMqTurns;
  /** How things are called on the server. */
  readonly names: RabbitMqNames;
  /** Measures deadlines. */
  readonly clock: Clock;
}

/** How many letters are taken at once. */
const BATCH = 100;

/** How soon to look again whether letters are back. */
const PAUSE_MS = 5;

/** A letter that was taken. */
interface Taken {
  readonly letter: DeadLetter;
  readonly message: ConsumeMessage;
}

/**
 * The dead letters of groups. A queue cannot be looked at: letters are taken, one reader at a time, and given
 * back in their order. So looking for one takes time with the number of all.
 */
export class RabbitMqLetters {
  readonly #parts: LetterParts;

  /** Creates access to the letters on a server. */
  constructor(parts: LetterParts) {
    this.#parts = parts;
  }

  /** The letters after the one with the id `after`, the oldest first. */
  list(
    place: GroupPlace,
    { limit, after = "" }: { readonly limit: number; readonly after: string | undefined },
    call: StreamCall,
  ): Promise<readonly DeadLetter[]> {
    const page = new Map<string, DeadLetter>();
    return this.#takeAll(place, call, ({ letter }) => {
      // Ids grow with time.
      if (letter.id > after) page.set(letter.id, letter);
      if (page.size > limit) page.delete([...page.keys()].reduce((a, b) => a > b ? a : b));
      return false;
    }).then(() => [...page.values()].sort((a, b) => a.id < b.id ? -1 : 1));
  }

  /** Gives letters to their group again, and resolves with how many that were. */
  async redrive(place: GroupPlace, ids: readonly string[], call: StreamCall): Promise<number> {
    const { names, publisher } = this.#parts;
    const queue = names.queue(place.channel, place.group);
    return await this.#takeChosen(place, ids, call, async ({ bytes, position }, step) => {
      await publisher.publish({ queue }, { id: position, bytes }, step());
    });
  }

  /** Removes letters, and resolves with how many that were. */
  async discard(place: GroupPlace, ids: readonly string[], call: StreamCall): Promise<number> {
    return await this.#takeChosen(place, ids, call, async () => {});
  }

  async #takeChosen(
    place: GroupPlace,
    ids: readonly string[],
    call: StreamCall,
    use: (letter: DeadLetter, step: () => StreamCall) => Promise<void>,
  ): Promise<number> {
    const wanted = new Set(ids);
    const done = new Set<string>();
    await this.#takeAll(place, call, async ({ letter }, step) => {
      const { id } = letter;
      // An entry that was buried twice, because an answer was lost, is one letter.
      if (!wanted.has(id)) return false;
      if (!done.has(id)) await use(letter, step);
      done.add(id);
      return true;
    });
    return done.size;
  }

  /** The next one would not see what is on its way back. */
  async #untilBack(queue: string, count: number, step: () => StreamCall): Promise<void> {
    const { topology, clock } = this.#parts;
    while (count > 0) {
      const call = step();
      if ((await topology.count(queue, call) ?? Infinity) >= count || call.timeoutMs <= 1) return;
      await delay(PAUSE_MS, call.signal, clock).catch(() => {});
    }
  }

  /** Takes each letter; those for which `use` says `true` are removed, the others go back to their places. */
  async #takeAll(
    place: GroupPlace,
    call: StreamCall,
    use: (taken: Taken, step: () => StreamCall) => boolean | Promise<boolean>,
  ): Promise<void> {
    const { names, connection, topology, turns, clock } = this.#parts;
    const queue = names.letters(place.channel, place.group);
    await turns.take(names.turn(place.channel, place.group), call, async (step) => {
      if (!await topology.count(queue, step())) return;
      const options = { queue, clock, prepare: () => Promise.resolve(), onClosed: () => {} };
      const taking = await TakingChannel.open(connection, options, step());
      try {
        const kept: ConsumeMessage[] = [];
        for (;;) {
          const messages = await taking.take(BATCH, 0, step());
          if (messages.length === 0) break;
          for (const message of messages) {
            const letter = letterOf(place, message);
            const isDone = letter !== undefined && await use({ letter, message }, step);
            if (isDone) await taking.ack([message], step());
            else kept.push(message);
          }
        }
        await taking.requeue(kept, step());
        await this.#untilBack(queue, kept.length, step);
      } finally {
        taking.close();
      }
    });
  }
}

/** What somebody else put into the queue is left there. */
function letterOf(place: GroupPlace, message: ConsumeMessage): DeadLetter | undefined {
  try {
    const id = String(message.properties.messageId);
    return decodeLetter({ ...place, id }, message.content);
  } catch {
    return undefined;
  }
}
