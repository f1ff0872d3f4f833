import type { EncodedEvent } from "./event_encoder.ts";
import type {
  DeadLetter,
  Death,
  GroupState,
  StreamBatch,
  StreamCapabilities,
  StreamEntry,
  StreamRecord,
  StreamStart,
} from "./streams.ts";

/** A call as a driver gets it: its input has been checked. */
export interface StreamCall {
  /** The public call, as it stands after "Cannot" in an error. */
  readonly operation: string;
  /** When the call has to have settled, in milliseconds from now. The driver sees to it. */
  readonly timeoutMs: number;
  /** Ends the call at once, with code `aborted`. Not aborted when the call begins. */
  readonly signal?: AbortSignal | undefined;
}

/** How a reader joins a group. */
export interface JoinRequest {
  /** The group. */
  readonly group: string;
  /** Where it begins if it is new. */
  readonly from: StreamStart;
  /** After how long a silent reader is taken for dead, in milliseconds. */
  readonly takeOverMs: number;
}

/** What a driver has to know about a letter that it keeps. */
export interface NewDeadLetter extends Death {
  /** When the entry was buried. */
  readonly buriedAt: Date;
}

/** A `StreamReader` as a driver makes it; its sentences hold. */
export interface DriverReader {
  /**
   * Takes up to `max` entries, waiting up to `waitMs` (0: not at all) for the first; `call.timeoutMs` comes on top of
   * that. When the signal aborts it resolves soon, with what it has taken, so that nothing is stuck with a reader
   * that nobody asks any more.
   */
  read(max: number, waitMs: number, call: StreamCall): Promise<StreamBatch>;
  /** See `StreamReader.ack`; never with an empty list. */
  ack(entries: readonly StreamEntry[], call: StreamCall): Promise<void>;
  /** See `StreamReader.extend`; never with an empty list. */
  extend(entries: readonly StreamEntry[], call: StreamCall): Promise<void>;
  /** See `StreamReader.release`; never with an empty list. */
  release(entries: readonly StreamEntry[], call: StreamCall): Promise<void>;
  /** See `StreamReader.bury`. */
  bury(entry: StreamEntry, letter: NewDeadLetter, call: StreamCall): Promise<void>;
  /** Ends it. Never rejects, and settles at once also when the server does not answer. */
  close(): Promise<void>;
}

/**
 * What differs between the servers of durable events; everything else is in `PortableStreamBus`. The sentences of
 * the port `StreamBus` hold for the methods of the same name. Errors are `MessagingError`s.
 */
export interface StreamDriver {
  /** What the server can do. */
  readonly capabilities: StreamCapabilities;
  /** Appends an event to the stream of a channel, and resolves when the server has accepted it. */
  append(channel: string, event: EncodedEvent, call: StreamCall): Promise<void>;
  /** Joins a group; creates stream and group where they are missing. */
  join(channel: string, request: JoinRequest, call: StreamCall): Promise<DriverReader>;
  /** See `StreamBus.pending`. */
  pending(channel: string, group: string, call: StreamCall): Promise<GroupState>;
  /** See `DeadLetters.deadLetters`. */
  deadLetters(
    channel: string,
    group: string,
    page: { readonly limit: number; readonly after: string | undefined },
    call: StreamCall,
  ): Promise<readonly DeadLetter[]>;
  /** See `DeadLetters.redrive`. */
  redrive(
    channel: string,
    group: string,
    ids: readonly string[],
    call: StreamCall,
  ): Promise<number>;
  /** See `DeadLetters.discard`. */
  discard(
    channel: string,
    group: string,
    ids: readonly string[],
    call: StreamCall,
  ): Promise<number>;
  /** See `StreamHistory.replay`. Not called without the capability, like the next two. */
  replay(channel: string, from: StreamStart, call: StreamCall): AsyncIterable<StreamRecord>;
  /** See `StreamHistory.seek`. */
  seek(channel: string, group: string, from: StreamStart, call: StreamCall): Promise<void>;
  /** See `StreamHistory.trim`. */
  trim(
    channel: string,
    request: { readonly keep: number; readonly force: boolean },
    call: StreamCall,
  ): Promise<number>;
  /** See `StreamBus.health`. */
  health(call: StreamCall): Promise<Record<string, unknown>>;
  /** Lets go of the server; the readers have been closed. Never rejects. */
  close(): Promise<void>;
}
