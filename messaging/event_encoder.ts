import { type Clock, systemClock } from "../core/clock.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES, encodeEnvelope } from "./envelope.ts";
import { checkSource, completeAttributes } from "./event_attributes.ts";
import type { PublishOptions } from "./messaging.ts";

/** An event as a bus sends it. */
export interface EncodedEvent {
  /** By which a server may notice that it has the event already. */
  readonly id: string;
  /** JSON; see `encodeEnvelope`. */
  readonly envelope: string;
}

/** How an {@linkcode EventEncoder} works; everything has a default. */
export interface EventEncoderOptions {
  /** The `source` of events that do not name one. Default: `/benchmark-exchange`. */
  readonly source?: string | undefined;
  /** The largest payload, as bytes of JSON in UTF-8. Default: 1,000,000. */
  readonly maxPayloadBytes?: number | undefined;
  /** Tells the `time` of events. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
}

/** Makes events of what is published on one bus. */
export class EventEncoder {
  readonly #source: string;
  readonly #maxPayloadBytes: number;
  readonly #clock: Clock;
  #time = { ms: NaN, text: "" };

  /** Creates one. Throws a `ValidationError` for a malformed `source`. */
  constructor(options: EventEncoderOptions = {}) {
    const { source = "/benchmark-exchange", maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES } = options;
    this.#source = checkSource(source);
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Encodes what is published on a channel, with the attributes that `options` names and defaults for the others.
   * Throws a `ValidationError` that names what is malformed or too large.
   */
  encode(channel: string, payload: unknown, options: PublishOptions): EncodedEvent {
    const event = { channel, payload, source: this.#source, time: this.#now() };
    const attributes = completeAttributes(options, event);
    const envelope = encodeEnvelope(attributes, payload, this.#maxPayloadBytes);
    return { id: attributes.id, envelope };
  }

  /** Events come in bursts, and to write the time costs as much as to write an event. */
  #now(): string {
    const ms = this.#clock.now();
    if (ms !== this.#time.ms) this.#time = { ms, text: new Date(ms).toISOString() };
    return this.#time.text;
  }
}
