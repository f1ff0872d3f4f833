import { headers, type MsgHdrs } from "@nats-io/transport-node";
import type { DeadLetter, Death } from "../../streams.ts";
import type { NewDeadLetter } from "../../stream_driver.ts";
import { type Held, POSITION_HEADER, recordOf } from "./delivery.ts";
import type { ChannelNames } from "./names.ts";
import { isMissing, isUnheard } from "./nats_error.ts";
import type { NatsCall, NatsServer } from "./server.ts";
import type { NatsSetup } from "./setup.ts";
import type { StoredMsg } from "@nats-io/jetstream";

const REASON = "Exchange-Reason";
const ERROR = "Exchange-Error";
const ATTEMPTS = "Exchange-Attempts";
const BURIED_AT = "Exchange-Buried-At";

/** The letters of one group of a channel. */
export interface LetterBox {
  readonly channel: string;
  readonly names: ChannelNames;
  readonly group: string;
}

/**
 * Dead letters, on the desk of their channel: the bytes of the entry as they are, because in JSON they could be more
 * than the server takes, with the rest in headers. The id of a letter is its place on the desk.
 */
export class NatsLetters {
  readonly #server: NatsServer;
  readonly #setup: NatsSetup;

  /** Works on a server. */
  constructor(server: NatsServer, setup: NatsSetup) {
    this.#server = server;
    this.#setup = setup;
  }

  /** Keeps a letter; once, also when it is called again because nobody knows how that ended. */
  async keep(
    names: ChannelNames,
    group: string,
    held: Held,
    letter: NewDeadLetter,
    call: NatsCall,
  ): Promise<void> {
    const { entry } = held;
    held.letterId ??= crypto.randomUUID();
    const written = headersOf({
      [REASON]: letter.reason,
      [ERROR]: encodeURIComponent(letter.error.slice(0, MAX_ERROR).toWellFormed()),
      [ATTEMPTS]: String(letter.attempts),
      [BURIED_AT]: letter.buriedAt.toISOString(),
      [POSITION_HEADER]: entry.position,
    });
    const message = { subject: names.letters(group), bytes: entry.bytes, headers: written };
    await this.put(names, message, held.letterId, call);
  }

  /** Puts a message on the desk, which is made if need be. */
  async put(
    names: ChannelNames,
    { subject, bytes, headers }: {
      readonly subject: string;
      readonly bytes: Uint8Array;
      readonly headers: MsgHdrs;
    },
    id: string,
    call: NatsCall,
  ): Promise<void> {
    const publish = (): Promise<unknown> =>
      this.#server.step(call, "unknown", ({ js, leftMs }) =>
        js.publish(subject, bytes, {
          headers,
          msgID: id,
          timeout: leftMs,
          expect: { streamName: names.desk },
        }));
    await this.#server.mapped(call, "unknown", async () => {
      try {
        await publish();
      } catch (error) {
        if (!isUnheard(error)) throw error;
        await this.#setup.createDesk(names, call);
        await publish();
      }
    });
  }

  /** The letters after one of them, the oldest first. */
  async list(
    box: LetterBox,
    { limit, after }: { readonly limit: number; readonly after: string | undefined },
    call: NatsCall,
  ): Promise<DeadLetter[]> {
    const subject = box.names.letters(box.group);
    const letters: DeadLetter[] = [];
    let next = after === undefined ? 1 : (sequenceOf(after) ?? 0) + 1;
    while (letters.length < limit) {
      const query = { seq: next, next_by_subj: subject };
      const message = await this.#read(box, query, call);
      if (!message) break;
      letters.push(toLetter(box, message));
      next = message.seq + 1;
    }
    return letters;
  }

  /** How many letters there are. */
  async count({ names, group }: LetterBox, call: NatsCall): Promise<number> {
    const subject = names.letters(group);
    const desk = await this.#setup.findStream(names.desk, call, subject);
    return desk?.state.subjects?.[subject] ?? 0;
  }

  /** Gives letters to the group again, each in one step that can be repeated, and then takes them off. */
  async redrive(box: LetterBox, ids: readonly string[], call: NatsCall): Promise<number> {
    const { names, group } = box;
    let count = 0;
    for (const id of ids) {
      const message = await this.#letter(box, id, call);
      if (!message) continue;
      if (count === 0) await this.#setup.createAgain(names, group, call);
      const position = message.header.get(POSITION_HEADER);
      const again = {
        subject: names.again(group),
        bytes: message.data,
        headers: headersOf({ [POSITION_HEADER]: position }),
      };
      await this.put(names, again, `again:${message.seq}`, call);
      if (await this.#remove(names, message.seq, call)) count++;
    }
    return count;
  }

  /** Removes letters. */
  async discard(box: LetterBox, ids: readonly string[], call: NatsCall): Promise<number> {
    let count = 0;
    for (const id of ids) {
      const message = await this.#letter(box, id, call);
      if (message && await this.#remove(box.names, message.seq, call)) count++;
    }
    return count;
  }

  /** The letter, if it is one of this group. */
  async #letter(box: LetterBox, id: string, call: NatsCall): Promise<StoredMsg | undefined> {
    const sequence = sequenceOf(id);
    if (sequence === undefined) return undefined;
    const message = await this.#read(box, { seq: sequence }, call);
    return message?.subject === box.names.letters(box.group) ? message : undefined;
  }

  #read(
    { names }: LetterBox,
    query: { readonly seq: number; readonly next_by_subj?: string },
    call: NatsCall,
  ): Promise<StoredMsg | undefined> {
    return this.#server.run(call, "not-applied", async ({ jsm }) => {
      try {
        return await jsm.streams.getMessage(names.desk, query) ?? undefined;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  #remove({ desk }: ChannelNames, sequence: number, call: NatsCall): Promise<boolean> {
    return this.#server.run(call, "unknown", async ({ jsm }) => {
      try {
        // Overwriting what is removed would take longer and is not asked for.
        return await jsm.streams.deleteMessage(desk, sequence, false);
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    });
  }
}

/** The longest text of a letter in characters; percent-encoded, one can take nine bytes. */
const MAX_ERROR = 1_000;

function toLetter({ channel, group }: LetterBox, { seq, header, data }: StoredMsg): DeadLetter {
  return {
    ...recordOf(channel, header.get(POSITION_HEADER), data),
    id: String(seq),
    group,
    reason: header.get(REASON) as Death["reason"],
    error: decodeURIComponent(header.get(ERROR)),
    attempts: Number(header.get(ATTEMPTS)),
    buriedAt: new Date(header.get(BURIED_AT)),
  };
}

function headersOf(members: Readonly<Record<string, string>>): MsgHdrs {
  const made = headers();
  for (const [name, value] of Object.entries(members)) made.set(name, value);
  return made;
}

function sequenceOf(id: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(id) ? Number(id) : undefined;
}
