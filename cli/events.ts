import type { CommandGroup } from "./command.ts";

/** Events as they happen, and those that could not be handled. */
export const EVENTS: CommandGroup = {
  help: `Events as they happen, and those that could not be handled.

  events tail          prints events as they happen (REDIS_URL)
  events dead-letters  lists what nobody could handle: of the outbox (DATABASE_URL), or of a group
                       of a stream (REDIS_URL)
  events redrive       has it tried again

Examples
  events tail --channel 'events:submission*'
  events dead-letters
  events redrive --all

--help behind one of them tells the rest.
`,
  commands: {
    tail: async () => (await import("./events/tail.ts")).TAIL,
    "dead-letters": async () => (await import("./events/dead_letters.ts")).DEAD_LETTERS,
    redrive: async () => (await import("./events/redrive.ts")).REDRIVE,
  },
};
