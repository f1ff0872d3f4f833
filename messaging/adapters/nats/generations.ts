import type { ConsumerInfo } from "@nats-io/jetstream";

/**
 * The consumers of a group. JetStream cannot set a consumer to another place, and with a consumer goes what it has
 * pending. So a seek begins a new one, and the older ones stay for what they have given out, as long as that takes.
 */
export interface GroupConsumers {
  /** The first one, which has the name of the group and says which others there are. */
  readonly first: ConsumerInfo;
  /** The name of the one that gives out what is new. */
  readonly currentName: string;
  /** The one that gives out what is new; `undefined` if somebody has deleted it. */
  readonly current: ConsumerInfo | undefined;
  /** The others, as far as they have something pending. */
  readonly older: readonly ConsumerInfo[];
}

const PREFIX = "consumers:";

/** The names of a group's consumers, the current one last, as the first one says them in its description. */
export function consumersOf({ name, config: { description } }: ConsumerInfo): readonly string[] {
  const [prefix, ...names] = (description ?? "").split(" ");
  return prefix === PREFIX && names.length > 0 ? names : [name];
}

/** What the first consumer says about all of them, the current one last. */
export function describeConsumers(names: readonly string[]): string {
  return [PREFIX, ...names].join(" ");
}

/** A name for the consumer that a seek begins. */
export function nextConsumer({ first }: GroupConsumers): string {
  // Of two seeks at the same time the last one counts; neither gets the other one's consumer.
  return `${first.name}=${crypto.randomUUID().slice(0, 8)}`;
}

/** Tells the consumers of a group apart, given all that there may be of them. */
export function groupConsumers(
  first: ConsumerInfo,
  find: (name: string) => ConsumerInfo | undefined,
): GroupConsumers {
  const names = consumersOf(first);
  const currentName = names.at(-1) as string;
  const older = [first.name, ...names.slice(0, -1)].filter((name) => name !== currentName);
  return {
    first,
    currentName,
    current: find(currentName),
    older: [...new Set(older)].map(find)
      .filter((one) => one !== undefined)
      .filter(({ num_ack_pending }) => num_ack_pending > 0),
  };
}

/** Up to which record of the stream a consumer is done with all. */
export function doneTo({ num_ack_pending, delivered, ack_floor, config }: ConsumerInfo): number {
  // Before the first acknowledgement, the floor of a consumer that began in the middle is 0.
  if (num_ack_pending === 0) return delivered.stream_seq;
  return Math.max(ack_floor.stream_seq, (config.opt_start_seq ?? 1) - 1);
}
