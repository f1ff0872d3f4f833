import type { CallOptions } from "../../../core/call_options.ts";
import type { ObjectAddress } from "../../driver.ts";
import type { Span } from "../../range.ts";
import type { ObjectStream } from "../../storage.ts";
import { canFailOver, type FailoverSettings, type Location, reportFailover } from "./locations.ts";
import { recordedDigest } from "./record.ts";

/** An object that was opened at one of several locations. */
export interface OpenedObject extends ObjectStream {
  /** Where it is. */
  readonly address: ObjectAddress;
  /** What is read of it. */
  readonly span: Span;
  /** Where it was opened. */
  readonly location: Location;
  /** Where it can go on. */
  readonly others: readonly Location[];
}

type Bytes = Uint8Array<ArrayBuffer>;
type Settings = FailoverSettings & Pick<CallOptions, "signal">;

/**
 * The body of an object. When the location that it is read from fails, it goes on at the next one: where it
 * was, and only if that one records the same digest, so that the bytes are the same.
 */
export function failoverBody(object: OpenedObject, settings: Settings): ReadableStream<Bytes> {
  return new ReadableStream(new FailoverSource(object, settings), { highWaterMark: 0 });
}

class FailoverSource implements UnderlyingDefaultSource<Bytes> {
  readonly #object: OpenedObject;
  readonly #settings: Settings;
  readonly #others: Location[];
  #location: Location;
  #reader: ReadableStreamDefaultReader<Bytes>;
  #position: number;
  #isCancelled = false;

  constructor(object: OpenedObject, settings: Settings) {
    this.#object = object;
    this.#settings = settings;
    this.#others = [...object.others];
    this.#location = object.location;
    this.#reader = object.body.getReader();
    this.#position = object.span.start;
  }

  async pull(controller: ReadableStreamDefaultController<Bytes>): Promise<void> {
    while (!this.#isCancelled) {
      try {
        const { done, value } = await this.#reader.read();
        if (done) return controller.close();
        this.#position += value.byteLength;
        return controller.enqueue(value);
      } catch (error) {
        if (!canFailOver(error)) throw error;
        this.#reader = await this.#goOn(error);
        if (this.#isCancelled) await this.#reader.cancel();
      }
    }
  }

  async cancel(reason: unknown): Promise<void> {
    this.#isCancelled = true;
    // It has failed if another location is being looked for.
    await this.#reader.cancel(reason).catch(() => {});
  }

  /** Rejects with the failure if no other location does. */
  async #goOn(failure: unknown): Promise<ReadableStreamDefaultReader<Bytes>> {
    const { address: { bucket, key }, metadata, span } = this.#object;
    const { failoverMs, observer, signal } = this.#settings;
    const digest = recordedDigest(metadata);
    reportFailover(observer, this.#location, failure);
    if (digest === undefined) throw failure;
    const range = { offset: this.#position, length: span.end - this.#position };
    for (let next = this.#others.shift(); next; next = this.#others.shift()) {
      try {
        const limits = { range, signal, timeoutMs: failoverMs };
        const found = await next.storage.downloadStream(bucket, key, limits);
        this.#location = next;
        if (recordedDigest(found.metadata) === digest) return found.body.getReader();
        await found.body.cancel();
      } catch (error) {
        reportFailover(observer, next, error);
      }
    }
    throw failure;
  }
}
