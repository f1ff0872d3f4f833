import type { CallOptions } from "../core/call_options.ts";
import type { Clock } from "../core/clock.ts";
import { MessagingError } from "../core/errors.ts";
import { checkInteger } from "../core/validation.ts";
import { checkCall, DEFAULT_TIMEOUT_MS } from "./interruption.ts";
import type { DriverReader, StreamCall } from "./stream_driver.ts";
import type {
  Death,
  StreamBatch,
  StreamEntry,
  StreamReader,
  StreamReadOptions,
} from "./streams.ts";

/** What all readers have in common, over a {@linkcode DriverReader}: the rules of the input, and the end of life. */
export class PortableStreamReader implements StreamReader {
  readonly #reader: DriverReader;
  readonly #clock: Clock;
  readonly #onClose: () => void;
  #closing: Promise<void> | undefined;

  /** Creates a reader, which closes that of the driver in the end. */
  constructor(reader: DriverReader, clock: Clock, onClose: () => void) {
    this.#reader = reader;
    this.#clock = clock;
    this.#onClose = onClose;
  }

  /** See {@linkcode StreamReader.read}. */
  async read(options: StreamReadOptions = {}): Promise<StreamBatch> {
    const { max = 100, waitMs = 1_000 } = options;
    checkInteger("max", max, { min: 1, max: 1_000 });
    checkInteger("waitMs", waitMs, { min: 0, max: 60_000 });
    return await this.#reader.read(max, waitMs, this.#call("read", options));
  }

  /** See {@linkcode StreamReader.ack}. */
  async ack(entries: readonly StreamEntry[], options: CallOptions = {}): Promise<void> {
    const call = this.#call("acknowledge", options);
    if (entries.length > 0) await this.#reader.ack(entries, call);
  }

  /** See {@linkcode StreamReader.extend}. */
  async extend(entries: readonly StreamEntry[], options: CallOptions = {}): Promise<void> {
    const call = this.#call("extend", options);
    if (entries.length > 0) await this.#reader.extend(entries, call);
  }

  /** See {@linkcode StreamReader.release}. */
  async release(entries: readonly StreamEntry[], options: CallOptions = {}): Promise<void> {
    const call = this.#call("release", options);
    if (entries.length > 0) await this.#reader.release(entries, call);
  }

  /** See {@linkcode StreamReader.bury}. */
  async bury(entry: StreamEntry, death: Death, options: CallOptions = {}): Promise<void> {
    const call = this.#call("bury", options);
    const letter = { ...death, buriedAt: new Date(this.#clock.now()) };
    await this.#reader.bury(entry, letter, call);
  }

  /** See {@linkcode StreamReader.close}. */
  close(): Promise<void> {
    this.#onClose();
    this.#closing ??= this.#reader.close();
    return this.#closing;
  }

  /** The same as {@linkcode PortableStreamReader.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #call(operation: string, options: CallOptions): StreamCall {
    checkCall(operation, options);
    if (this.#closing) {
      throw new MessagingError(`Cannot ${operation}: the reader is closed`, {
        code: "closed",
        operation,
      });
    }
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    return { operation, signal, timeoutMs };
  }
}
