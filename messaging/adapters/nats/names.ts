/** What the JetStream streams, subjects and consumers of a channel are called. */
export interface ChannelNames {
  /** The stream that holds the records. */
  readonly stream: string;
  /** The subject that records are published to. */
  readonly subject: string;
  /** A subject of the stream that nothing is published to, for consumers that are to give out nothing new. */
  readonly past: string;
  /** The stream beside it, for dead letters, and for what is given to one group only. */
  readonly desk: string;
  /** The subjects of the desk. */
  readonly deskSubjects: readonly string[];
  /** The subject of the desk that says up to where records were removed by force. */
  readonly trimmed: string;
  /** The subject of a group's dead letters. */
  readonly letters: (group: string) => string;
  /** The subject of what is given to the group again. */
  readonly again: (group: string) => string;
}

/**
 * The names for a channel. A subject has a token for each segment of the channel, so that permissions can be given
 * with wildcards. What a name cannot hold becomes one other character each, none of which a channel or a group can
 * hold itself, so no two of them share a name: `.` becomes `+`, and in the name of a stream `:` becomes `=`.
 */
export function namesOf(prefix: string, channel: string): ChannelNames {
  const name = withoutDots(channel).replaceAll(":", "=");
  const tokens = withoutDots(channel).replaceAll(":", ".");
  return {
    stream: `${prefix}=channel=${name}`,
    subject: `${prefix}.channel.${tokens}`,
    past: `${prefix}.past.${tokens}`,
    desk: `${prefix}=desk=${name}`,
    deskSubjects: ["letter", "again"].map((kind) => `${prefix}.${kind}.*.${tokens}`)
      .concat(`${prefix}.trimmed.${tokens}`),
    trimmed: `${prefix}.trimmed.${tokens}`,
    letters: (group) => `${prefix}.letter.${withoutDots(group)}.${tokens}`,
    again: (group) => `${prefix}.again.${withoutDots(group)}.${tokens}`,
  };
}

/** The durable consumer that keeps where a group is, or the first of several. */
export function consumerOf(group: string): string {
  return withoutDots(group);
}

/** The group of its first consumer. */
export function groupOf(consumer: string): string {
  return consumer.replaceAll("+", ".");
}

function withoutDots(text: string): string {
  return text.replaceAll(".", "+");
}
