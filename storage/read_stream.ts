import { interruptionError } from "./call.ts";
import { notIntact, type StorageOperation } from "./failures.ts";
import type { Span } from "./range.ts";

/** How much is read at a time. */
const CHUNK_BYTES = 256 * 1024;

/** Bytes that can be read at any position. */
export interface ByteSource {
  /** Reads 1 to `length` bytes; none means that there are no more. */
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Called once, when nothing more will be read. */
  close(): Promise<void>;
}

/**
 * A stream over a span of a source. It reads one chunk when it is asked for one, closes the source
 * at its end, when it is cancelled and when it fails, and fails with an `IntegrityError` if
 * the source ends early. The first signal that fires ends it.
 */
export function readStream(
  operation: StorageOperation,
  source: ByteSource,
  span: Span,
  signals: readonly AbortSignal[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = new SpanReader(operation, source, span, signals);
  return new ReadableStream(reader, { highWaterMark: 0 });
}

type Controller = ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

class SpanReader implements UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> {
  readonly #operation: StorageOperation;
  readonly #source: ByteSource;
  readonly #end: number;
  readonly #signals: readonly AbortSignal[];
  #position: number;
  #open = true;
  #abort: () => void = () => {};

  constructor(
    operation: StorageOperation,
    source: ByteSource,
    { start, end }: Span,
    signals: readonly AbortSignal[],
  ) {
    this.#operation = operation;
    this.#source = source;
    this.#position = start;
    this.#end = end;
    this.#signals = signals;
  }

  async start(controller: Controller): Promise<void> {
    this.#abort = () => {
      controller.error(interruptionError(this.#operation, { kind: "aborted", reason: undefined }));
      this.cancel().catch(() => {});
    };
    if (this.#signals.some((signal) => signal.aborted)) return this.#abort();
    for (const signal of this.#signals) signal.addEventListener("abort", this.#abort);
    await this.#closeAtEnd(controller);
  }

  async pull(controller: Controller): Promise<void> {
    try {
      const length = Math.min(CHUNK_BYTES, this.#end - this.#position);
      const chunk = await this.#source.read(this.#position, length);
      if (!this.#open) return;
      if (chunk.byteLength === 0) throw endsEarly(this.#operation);
      this.#position += chunk.byteLength;
      controller.enqueue(chunk);
      await this.#closeAtEnd(controller);
    } catch (error) {
      await this.cancel();
      throw error;
    }
  }

  async cancel(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#abort);
    await this.#source.close();
  }

  async #closeAtEnd(controller: Controller): Promise<void> {
    if (this.#position < this.#end) return;
    await this.cancel();
    controller.close();
  }
}

/** Reads a stream of exactly `size` bytes; fails with an `IntegrityError` if it has more or fewer. */
export async function collect(
  body: ReadableStream<Uint8Array>,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  const reader = body.getReader();
  let position = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    if (position + value.byteLength > size) {
      reader.cancel().catch(() => {});
      throw notIntact("download", "it has too many bytes");
    }
    bytes.set(value, position);
    position += value.byteLength;
  }
  if (position < size) throw endsEarly("download");
  return bytes;
}

function endsEarly(operation: StorageOperation): Error {
  return notIntact(operation, "its bytes end too early");
}
