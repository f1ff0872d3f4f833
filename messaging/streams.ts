import type { CallOptions } from "../core/call_options.ts";
import type { Backoff } from "../core/backoff.ts";
import type {
  DeliveryContext,
  DeliveryProblem,
  EventPublisher,
  Message,
  Subscription,
} from "./messaging.ts";

/** What a stream holds: an event as it was published, and where it is. */
export interface StreamRecord {
  /** The channel that it was published to. */
  readonly channel: string;
  /** Names its place in the channel's stream; opaque, and only of use to the bus that gave it. */
  readonly position: string;
  /** What was published, unchanged. */
  readonly bytes: Uint8Array;
  /** Returns the event; throws an `UndecodableMessageError` with the bytes if they are none. */
  decode(): Message;
}

/** A record that was handed to one reader of a group. */
export interface StreamEntry extends StreamRecord {
  /** How often the group was given it, from 1. */
  readonly attempt: number;
}

/** What {@linkcode StreamReader.read} returns. */
export interface StreamBatch {
  /** The oldest first; empty when nothing came in time. */
  readonly entries: readonly StreamEntry[];
  /** How many records the group will never get, because they were removed before it was done with them. */
  readonly lost: number;
}

/** How {@linkcode StreamReader.read} reads. */
export interface StreamReadOptions extends CallOptions {
  /** The most entries, 1 to 1,000. Default: 100. */
  readonly max?: number | undefined;
  /** How long to wait while there is nothing, in milliseconds from 0 to 60,000. Default: 1,000. */
  readonly waitMs?: number | undefined;
}

/** Where a group begins. */
export type StreamStart =
  /** With the oldest record that the stream has. */
  | "beginning"
  /** With what is published from now on. */
  | "end"
  /** With the record after this position. */
  | { readonly after: string }
  /** With the first record that arrived at this time or later. */
  | { readonly since: Date };

/** How a {@linkcode StreamReader} takes part in a group. */
export interface ReaderOptions extends CallOptions {
  /** The group: 1 to 100 ASCII letters, digits, `.`, `_` and `-`. */
  readonly group: string;
  /** Where the group begins if it does not exist yet. Default: `beginning`, or `end` without the capability `replay`. */
  readonly from?: StreamStart | undefined;
  /**
   * After how long a reader that neither settles its entries nor extends them is taken for dead, in
   * milliseconds from 100 to 86,400,000; its entries then go to another one. Default: 30,000.
   */
  readonly takeOverMs?: number | undefined;
}

/**
 * One reader of a group, for who wants to settle entries by hand; {@linkcode StreamSubscriber} does it for
 * everybody else.
 *
 * - Each record goes to one reader of the group at a time, the oldest first.
 * - An entry belongs to its reader until it is acknowledged, released or buried, or until the reader did nothing
 *   about it for `takeOverMs`: then another one gets it, with an attempt more.
 * - To settle an entry that is not the reader's any more does nothing; only an acknowledgement may count all the
 *   same, because the entry was handled.
 * - When a call rejects with `outcome: "unknown"`, the entries may have been settled. Settling them again is safe.
 */
export interface StreamReader extends AsyncDisposable {
  /**
   * Takes entries: those of readers that are gone, and new ones. Never call it twice at the same time. The signal
   * ends the waiting only: it then resolves with what was taken, perhaps nothing.
   */
  read(options?: StreamReadOptions): Promise<StreamBatch>;
  /** The group is done with the entries. */
  ack(entries: readonly StreamEntry[], options?: CallOptions): Promise<void>;
  /** Says that the reader is still at work on the entries, which starts `takeOverMs` anew. */
  extend(entries: readonly StreamEntry[], options?: CallOptions): Promise<void>;
  /** Gives the entries back, so that any reader of the group gets them at once. */
  release(entries: readonly StreamEntry[], options?: CallOptions): Promise<void>;
  /** Makes a dead letter of the entry: first that is kept, then the group is done with the entry. */
  bury(entry: StreamEntry, death: Death, options?: CallOptions): Promise<void>;
  /** Ends the reader. What it holds goes to others after `takeOverMs`. Idempotent. */
  close(options?: CallOptions): Promise<void>;
}

/** Why an entry became a dead letter. */
export interface Death {
  /**
   * `undecodable`: it is not an event. `handler_failed`: the handler failed as often as it may. `abandoned`: it
   * was given out as often as it may, and none of its readers lived to say how that ended.
   */
  readonly reason: "undecodable" | "handler_failed" | "abandoned";
  /** What went wrong, for people; cut to 1,000 characters. */
  readonly error: string;
  /** How often it was tried. */
  readonly attempts: number;
}

/** An entry that a group could not handle. */
export interface DeadLetter extends Death, StreamRecord {
  /** Names the letter among those of its group; opaque. `decode` and `bytes` are those of the entry. */
  readonly id: string;
  /** Whose letter it is. */
  readonly group: string;
  /** When it was buried. */
  readonly buriedAt: Date;
}

/** What the handler of a stream is told about a delivery. */
export interface StreamContext extends DeliveryContext {
  /** How often this message was given to a handler, as far as that is known, from 1. */
  readonly attempt: number;
  /** Where the message is in its stream. */
  readonly position: string;
}

/** Receives messages of a stream. When what it returns is over, the message is acknowledged. */
export type StreamHandler = (message: Message, context: StreamContext) => unknown;

/** Why a subscription to a stream did not do what its handler may count on. */
export type StreamProblem =
  | DeliveryProblem
  | {
    /** The message will not come again; it is among the dead letters of the group. */
    readonly kind: "buried";
    readonly channel: string;
    readonly death: Death;
  }
  | {
    /** The server cannot be reached, or refuses; the subscription goes on trying. Told once for each time. */
    readonly kind: "interrupted";
    readonly channel: string;
    readonly error: unknown;
  };

/** Receives problems. What it throws is dropped; nothing waits for what it returns. */
export type StreamProblemHandler = (problem: StreamProblem) => unknown;

/** How messages of a stream reach a handler. `signal` and `timeoutMs` are about subscribing only. */
export interface StreamSubscribeOptions extends ReaderOptions {
  /** How many messages the handler takes at the same time, 1 to 1,000. Default: 1. */
  readonly concurrency?: number | undefined;
  /**
   * How many messages are read ahead, those in the handler and those that wait to be tried again included,
   * 1 to 10,000. Nothing more is read above it. Default: 500, or twice the concurrency if that is more.
   */
  readonly maxInFlight?: number | undefined;
  /** How long the handler may take, in milliseconds from 1. Default: 30,000. */
  readonly handlerTimeoutMs?: number | undefined;
  /** How often a message is tried before it is buried, 1 to 1,000. Default: 5. */
  readonly maxAttempts?: number | undefined;
  /** How the pauses between attempts grow. Default: up to 200 ms at first, up to 30,000 ms in the end. */
  readonly backoff?: Backoff | undefined;
  /** Receives what goes wrong here. Default: that of the bus, which by default drops it. */
  readonly onProblem?: StreamProblemHandler | undefined;
}

/** What a subscription left when it was drained. */
export interface DrainResult {
  /** How many messages were given back, to be handled by somebody else. */
  readonly released: number;
}

/** A live subscription to a stream. */
export interface StreamSubscription extends Subscription {
  /**
   * Stops reading, gives back what no handler has begun with, and waits for the handlers under way, whose
   * messages are then acknowledged. After `deadlineMs` (above 0) their signals abort, their messages are given
   * back, too, and nothing waits for them any more. Never rejects. Idempotent: every call gets the promise of
   * the first one. `unsubscribe` does the same and waits for no handler.
   */
  drain(deadlineMs: number): Promise<DrainResult>;
}

/**
 * Receives events at least once.
 *
 * - A call resolves when the group exists: every event that is published from then on reaches the group.
 * - Each group gets every event; the subscriptions of one group share them.
 * - A message is acknowledged when its handler is done, and not before.
 * - When the handler throws, rejects or takes too long, the message is tried again after a pause, `maxAttempts`
 *   times in all, and then buried: it is kept as a dead letter of the group, with the reason and its bytes.
 *   Something that is not an event is buried at once.
 * - When the process dies, its messages go to another subscription of the group after `takeOverMs`. A handler
 *   that works for longer than that keeps its message as long as its process can say so.
 * - Messages of one subscription with the same partition key are handled one after the other, in the order in
 *   which they were published; one that is tried again holds back those of its key, and no others. Those without
 *   a key begin in order.
 * - No more than `maxInFlight` messages are read ahead, whatever waits in the stream.
 * - No handler notices what another one does, and while the server is away the subscription goes on trying.
 * - Records that were removed before the group was done with them are reported as a gap, with their number.
 *
 * Not promised: that a message comes once; an order between the subscriptions of a group, or after one of them
 * died; that a handler which ignores its signal stops.
 */
export interface StreamSubscriber {
  /** Calls `handler` with the messages of a channel that the group gets. */
  subscribe(
    channel: string,
    handler: StreamHandler,
    options: StreamSubscribeOptions,
  ): Promise<StreamSubscription>;
}

/** How a group stands on a channel. */
export interface GroupState {
  /** How many messages were given out and are not settled; where the server cannot tell, those of this bus. */
  readonly pending: number;
  /** How many wait to be given out; `undefined` where the server cannot tell. */
  readonly lag: number | undefined;
  /** How many dead letters there are. */
  readonly deadLetters: number;
  /**
   * How long ago the longest pending message was given out or extended, in milliseconds; `undefined` if none is
   * pending, or nobody knows.
   */
  readonly oldestPendingMs: number | undefined;
}

/** Which dead letters to list. */
export interface DeadLetterListOptions extends CallOptions {
  /** The most letters, 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
  /** The id of the letter to go on after. Default: from the oldest. */
  readonly after?: string | undefined;
}

/**
 * Works on what a group could not handle. Ids are those of {@linkcode DeadLetter}; unknown ones do nothing, and a
 * group that does not exist has no letters.
 */
export interface DeadLetters {
  /** The dead letters of a group, the oldest first. */
  deadLetters(
    channel: string,
    group: string,
    options?: DeadLetterListOptions,
  ): Promise<readonly DeadLetter[]>;
  /**
   * Gives exactly these letters (1 to 1,000 ids) to their group again, and to no other, as if for the first time;
   * resolves with how many that were. When it fails in the middle, none is lost, and one may be given twice.
   */
  redrive(
    channel: string,
    group: string,
    ids: readonly string[],
    options?: CallOptions,
  ): Promise<number>;
  /** Removes exactly these letters (1 to 1,000 ids) for good; resolves with how many that were. */
  discard(
    channel: string,
    group: string,
    ids: readonly string[],
    options?: CallOptions,
  ): Promise<number>;
}

/** What may be removed from a stream. */
export interface TrimOptions extends CallOptions {
  /** How many of the newest records to keep, from 0. */
  readonly keep: number;
  /**
   * Whether to remove also what a group is not done with; each such group is told how many it lost. Default:
   * `false`, so that more than `keep` may stay.
   */
  readonly force?: boolean | undefined;
}

/** Looks back; only where the capabilities say `replay`. */
export interface StreamHistory {
  /**
   * The records of a channel from `from` to what was the newest when it was called, whoever handled them. The
   * iterator rejects when the server fails, and then where it was is known by the last position.
   */
  replay(channel: string, from?: StreamStart, options?: CallOptions): AsyncIterable<StreamRecord>;
  /** Lets a group, which has to exist, go on from another place. What it has pending stays so. */
  seek(channel: string, group: string, from: StreamStart, options?: CallOptions): Promise<void>;
  /** Removes old records, and resolves with how many. */
  trim(channel: string, options: TrimOptions): Promise<number>;
}

/** What a stream bus can do. */
export interface StreamCapabilities {
  /**
   * Whether records stay after they were acknowledged, until they are trimmed: then a group can begin in the past,
   * and `replay`, `seek` and `trim` work. Otherwise a group gets what is published once it exists, from `end` only.
   */
  readonly replay: boolean;
  /** The largest payload, as bytes of JSON in UTF-8. */
  readonly maxPayloadBytes: number;
}

/**
 * Durable events: they wait for the groups that want them, and come again until they are handled.
 *
 * Every call settles by its deadline (`timeoutMs`, default 10,000, besides what it is told to wait) and rejects with a
 * `MessagingError`; malformed input is refused with a `ValidationError` that names the field. What `publish`
 * resolves for has been accepted by the server: it is as durable as the server makes it, which each adapter
 * says. What is missing on this bus rejects with code `unsupported`.
 */
export interface StreamBus
  extends EventPublisher, StreamSubscriber, DeadLetters, StreamHistory, AsyncDisposable {
  /** What this bus can do. */
  readonly capabilities: StreamCapabilities;

  /** Joins a group, creating it if need be, to read and settle by hand. */
  reader(channel: string, options: ReaderOptions): Promise<StreamReader>;

  /** How a group stands; rejects with code `not_found` if there is no such group. */
  pending(channel: string, group: string, options?: CallOptions): Promise<GroupState>;

  /** Resolves with figures worth showing if the bus works, and rejects with why it does not. */
  health(options?: CallOptions): Promise<Record<string, unknown>>;

  /** Drains all subscriptions at the same time; see {@linkcode StreamSubscription.drain}. Publishing goes on. */
  drain(deadlineMs: number): Promise<DrainResult>;

  /**
   * Takes no more calls (they reject with code `closed`), drains the subscriptions with the deadline of this call,
   * and lets go of the server. Idempotent: every call gets the promise of the first one.
   */
  close(options?: CallOptions): Promise<void>;
}
