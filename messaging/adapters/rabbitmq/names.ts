import { createHash } from "node:crypto";

/** The longest name that AMQP can carry, in bytes. */
const MAX_LENGTH = 255;

/** What is kept of a longer one, for people. */
const KEPT = 180;

/**
 * The names of what is on the server. Channels, groups and prefixes have no `/`, so two things never have the
 * same name. The end of a name that is too long is replaced by its SHA-256.
 */
export class RabbitMqNames {
  readonly #prefix: string;

  /** Creates the names that begin with `prefix`. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The exchange of a channel: whatever is published there reaches each of its groups. */
  exchange(channel: string): string {
    return fit(`${this.#prefix}/${channel}`);
  }

  /** The queue of a group. */
  queue(channel: string, group: string): string {
    return fit(`${this.#prefix}/${channel}/${group}`);
  }

  /** The queue with the dead letters of a group. */
  letters(channel: string, group: string): string {
    return fit(`${this.#prefix}/${channel}/${group}/dead-letters`);
  }

  /** The queue that exists while somebody works on the dead letters of a group. */
  turn(channel: string, group: string): string {
    return fit(`${this.#prefix}/${channel}/${group}/dead-letters/turn`);
  }
}

function fit(name: string): string {
  if (name.length <= MAX_LENGTH) return name;
  const digest = createHash("sha256").update(name).digest("hex");
  return `${name.slice(0, KEPT)}#${digest}`;
}
