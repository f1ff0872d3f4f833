import { Buffer } from "node:buffer";
import { type DeadEvent, deadEvents } from "../../database/outbox/dead_events.ts";
import type { DeadLetter } from "../../messaging/streams.ts";
import { UndecodableMessageError } from "../../messaging/undecodable_message_error.ts";
import type { Command } from "../command.ts";
import type { CommandLine } from "../command_line.ts";
import type { CliIo } from "../io.ts";
import { jsonDocument, type Paint, paintFor, printable } from "../output.ts";
import { withDatabase } from "../with_database.ts";
import { streamPlace, withStreams } from "./stream_place.ts";

/** Lists what nobody could handle. */
export const DEAD_LETTERS: Command = {
  help: `Lists what nobody could handle, the oldest first.

  events dead-letters [--limit 100] [--json]
  events dead-letters --channel CHANNEL --group GROUP [--limit 100] [--json]

  --channel, --group  of this group of a stream on the server of REDIS_URL; without them, the events
                      of the outbox in DATABASE_URL that could not be published
  --limit N           how many, 1 to 1000; 100 if left out
  --json              one JSON document, with payloads: {"deadLetters":[…]}

Examples
  events dead-letters
  events dead-letters --channel events:submission --group scoring --json

Ends with 0, with 1 if it failed, with 2 if it is used wrongly.
`,
  options: { channel: "text", group: "text", limit: "text", json: "flag" },
  run: list,
};

/** A dead letter as it is shown, wherever it is from. */
interface ShownLetter {
  readonly id: string;
  /** When it was given up. */
  readonly at: Date;
  /** What it is about. */
  readonly about: string;
  readonly attempts: number;
  readonly error: string;
  /** Everything that is known. */
  readonly details: object;
}

async function list(line: CommandLine, io: CliIo): Promise<number> {
  const limit = line.integer("limit", { otherwise: 100, min: 1, max: 1_000 });
  const letters = await readLetters(line, io, limit);
  if (line.has("json")) {
    await io.stdout.write(jsonDocument({ deadLetters: letters.map(({ details }) => details) }));
    return 0;
  }
  const lines = letters.map((letter) => formatLetter(letter, paintFor(io)));
  if (letters.length === 0) lines.push("There are no dead letters");
  if (letters.length === limit) lines.push(`\nThese are the first ${limit}; --limit shows more`);
  await io.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

async function readLetters(
  line: CommandLine,
  io: CliIo,
  limit: number,
): Promise<readonly ShownLetter[]> {
  const place = streamPlace(line);
  const options = { limit, signal: io.signal };
  if (!place) {
    const page = await withDatabase(io, (pool) => deadEvents(pool, options));
    return page.items.map(ofOutbox);
  }
  const letters = await withStreams(io, (streams) => {
    return streams.deadLetters(place.channel, place.group, options);
  });
  return letters.map(ofStream);
}

function ofOutbox(event: DeadEvent): ShownLetter {
  const { id, deadAt: at, attempts, lastError: error } = event;
  const about = `${event.type} of ${event.aggregateType} ${event.aggregateId}`;
  return { id, at, about, attempts, error, details: event };
}

function ofStream(letter: DeadLetter): ShownLetter {
  const { id, channel, group, reason, attempts, error, buriedAt: at } = letter;
  const found = eventOf(letter);
  const about = "event" in found ? `${found.event.type} ${found.event.id}` : "not an event";
  const details = { id, channel, group, reason, attempts, error, buriedAt: at, ...found };
  return { id, at, about: `${about} (${reason})`, attempts, error, details };
}

/** The event that died; of what is none, the bytes in base64. */
function eventOf(letter: DeadLetter): { readonly event: DeadMessage } | { readonly bytes: string } {
  try {
    const { id, type, time, payload } = letter.decode();
    return { event: { id, type, time, payload: JSON.parse(payload) } };
  } catch (error) {
    if (!(error instanceof UndecodableMessageError)) throw error;
    return { bytes: Buffer.from(letter.bytes).toString("base64") };
  }
}

interface DeadMessage {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly payload: unknown;
}

function formatLetter({ id, at, about, attempts, error }: ShownLetter, paint: Paint): string {
  const times = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  return `${printable(id)}  ${paint("faint", at.toISOString())}  ${printable(about)}, ${times}\n` +
    `  ${paint("bad", printable(error))}`;
}
