/**
 * The keys of one channel. Those with a group are in the slot of the stream, so that one script can work on both.
 */
export interface StreamKeys {
  /** The records: a stream whose entries have one field, `d`. */
  readonly stream: string;
  /** How many records groups have lost and were not told of: a hash. */
  readonly lost: string;
  /** What one group alone has to get again: a stream. */
  again(group: string): string;
  /** The dead letters of a group: a stream. */
  dead(group: string): string;
}

/** The keys of a channel, which begin with the namespace. */
export function streamKeys(namespace: string, channel: string): StreamKeys {
  // A channel has no braces, so these enclose it whole.
  const key = (kind: string, group = ""): string => `${namespace}/${kind}/{${channel}}${group}`;
  return {
    stream: key("stream"),
    lost: key("lost"),
    again: (group) => key("again", `/${group}`),
    dead: (group) => key("dead", `/${group}`),
  };
}
