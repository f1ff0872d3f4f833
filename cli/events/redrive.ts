import type { DatabasePool } from "../../database/database_pool.ts";
import { deadEvents, redriveEvents } from "../../database/outbox/dead_events.ts";
import type { StreamBus } from "../../messaging/streams.ts";
import type { Command } from "../command.ts";
import { EXIT_WRONG, usageError } from "../command_error.ts";
import type { CommandLine } from "../command_line.ts";
import type { CliIo } from "../io.ts";
import { jsonDocument } from "../output.ts";
import { withDatabase } from "../with_database.ts";
import { type StreamPlace, streamPlace, withStreams } from "./stream_place.ts";

/** The most that are listed or given back at once. */
const BATCH = 1_000;

/** Has dead letters tried again. */
export const REDRIVE: Command = {
  help: `Has what nobody could handle tried again, as if for the first time.

  events redrive ID… [--json]
  events redrive --all [--json]
  events redrive --channel CHANNEL --group GROUP ID… | --all [--json]

  --all               all that there are when it begins
  --channel, --group  of this group of a stream on the server of REDIS_URL; without them, the events
                      of the outbox in DATABASE_URL, which a running relay then publishes
  --json              one JSON document: {"asked":2,"redriven":2}

Examples
  events redrive 01932f6e-8a3c-7cc0-b5d3-0f6f5a1c9e01
  events redrive --channel events:submission --group scoring --all

Ends with 0, with 1 if one of the ids is not of a dead letter or it failed, with 2 if it is used
wrongly.
`,
  options: { all: "flag", channel: "text", group: "text", json: "flag" },
  operands: "ID…",
  run: redrive,
};

/** Where dead letters are. */
interface Graveyard {
  /** The ids of all of them. */
  readonly ids: () => Promise<readonly string[]>;
  /** Gives back some, and resolves with how many that were. */
  readonly redrive: (ids: readonly string[]) => Promise<number>;
}

async function redrive(line: CommandLine, io: CliIo): Promise<number> {
  const ids = line.has("all") ? undefined : [...new Set(line.operands)];
  if (ids ? ids.length === 0 : line.operands.length > 0) {
    throw usageError("Cannot redrive: give ids, or --all, and not both");
  }
  const place = streamPlace(line);
  const { asked, redriven } = place
    ? await withStreams(io, (streams) => redriveAll(ofStream(streams, place, io), ids))
    : await withDatabase(io, (pool) => redriveAll(ofOutbox(pool, io), ids));
  await io.stdout.write(
    line.has("json") ? jsonDocument({ asked, redriven }) : formatCount(asked, redriven),
  );
  return ids === undefined || redriven === asked ? 0 : EXIT_WRONG;
}

/** All ids are read first, because what is given back can die again at once. */
async function redriveAll(
  graveyard: Graveyard,
  chosen: readonly string[] | undefined,
): Promise<{ asked: number; redriven: number }> {
  const ids = chosen ?? await graveyard.ids();
  let redriven = 0;
  for (let from = 0; from < ids.length; from += BATCH) {
    redriven += await graveyard.redrive(ids.slice(from, from + BATCH));
  }
  return { asked: ids.length, redriven };
}

function ofOutbox(pool: DatabasePool, { signal }: CliIo): Graveyard {
  return {
    ids: async () => {
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await deadEvents(pool, { limit: BATCH, signal, ...cursor && { cursor } });
        ids.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return ids;
    },
    redrive: (ids) => redriveEvents(pool, ids, { signal }),
  };
}

function ofStream(
  streams: StreamBus,
  { channel, group }: StreamPlace,
  { signal }: CliIo,
): Graveyard {
  return {
    ids: async () => {
      const ids: string[] = [];
      for (;;) {
        const after = ids.at(-1);
        const page = await streams.deadLetters(channel, group, { limit: BATCH, after, signal });
        ids.push(...page.map(({ id }) => id));
        if (page.length < BATCH) return ids;
      }
    },
    redrive: (ids) => streams.redrive(channel, group, ids, { signal }),
  };
}

function formatCount(asked: number, redriven: number): string {
  const letters = redriven === 1 ? "1 dead letter is" : `${redriven} dead letters are`;
  const rest = redriven === asked ? "" : `; ${asked - redriven} of ${asked} ids are of none`;
  return `${letters} tried again${rest}\n`;
}
