/** An event as a publisher gets it. */
export interface OutboxEvent {
  /** UUID; the same at every attempt, so that consumers recognize what they have seen. */
  readonly id: string;
  /** What happened, such as `StatusChanged`. */
  readonly type: string;
  /** When the change was made. */
  readonly time: Date;
  /** What kind of thing it happened to, such as `benchmark`. */
  readonly aggregateType: string;
  /** Which one; the events of one aggregate are published one after the other. */
  readonly aggregateId: string;
  /** What the writer gave, as it comes back from JSON. */
  readonly payload: unknown;
  /** What the change belongs to. */
  readonly correlationId?: string;
  /** W3C Trace Context of the change. */
  readonly traceparent?: string;
  /** What belongs to `traceparent`. */
  readonly tracestate?: string;
  /** Counts the attempts that the publisher has had, this one included. */
  readonly attempt: number;
}

/** An event of your own. */
export interface NewOutboxEvent {
  /** UUID. Default: a new one. */
  readonly id?: string | undefined;
  /** What happened; 1 to 200 printable ASCII characters, as are the next two. */
  readonly type: string;
  /** What kind of thing it happened to. */
  readonly aggregateType: string;
  /** Which one. */
  readonly aggregateId: string;
  /** What JSON can hold unchanged. */
  readonly payload: unknown;
  /** What the change belongs to; 1 to 200 printable ASCII characters. */
  readonly correlationId?: string | undefined;
  /** W3C Trace Context of the change. */
  readonly traceparent?: string | undefined;
  /** What belongs to `traceparent`; 1 to 512 printable ASCII characters. */
  readonly tracestate?: string | undefined;
}

/**
 * Hands an event to a broker, and resolves when the broker has it. A rejection keeps the event. Its
 * `retryable`, where it has one, says whether another attempt can succeed; `false` never stands for a broker that is
 * down. The signal aborts when the attempt is of no use any more.
 */
export type OutboxPublisher = (
  event: OutboxEvent,
  options: { readonly signal: AbortSignal },
) => Promise<unknown>;
