import { startSha256 } from "./digest.ts";
import { notIntact } from "./failures.ts";
import type { Span } from "./range.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Passes bytes on, those of the span, and computes the digest of them all. The last ones have to wait
 * for `atEnd`, so that whoever counts on a certain size never has it all if the digest is wrong.
 */
export function hashedStream(
  body: ReadableStream<Uint8Array>,
  atEnd: (sha256: string) => void,
  span: Span = { start: 0, end: Infinity },
): ReadableStream<Bytes> {
  return new ReadableStream(new HashedSource(body, atEnd, span), { highWaterMark: 0 });
}

/** Throws an `IntegrityError` unless the digests are the same. */
export function requireDigest(
  operation: "upload" | "download",
  actual: string,
  expected: string,
): void {
  if (actual !== expected) throw notIntact(operation, "its SHA-256 is not the expected one");
}

// Through a `TransformStream`, verified downloads took 1.7 instead of 1.5 times as long as others on Node.
class HashedSource implements UnderlyingDefaultSource<Bytes> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #atEnd: (sha256: string) => void;
  readonly #span: Span;
  readonly #hash = startSha256();
  #position = 0;
  #held: Bytes | undefined;
  #isCancelled = false;

  constructor(
    body: ReadableStream<Uint8Array>,
    atEnd: (sha256: string) => void,
    span: Span,
  ) {
    this.#reader = body.getReader();
    this.#atEnd = atEnd;
    this.#span = span;
  }

  async pull(controller: ReadableStreamDefaultController<Bytes>): Promise<void> {
    while (true) {
      const { done, value } = await this.#reader.read();
      if (this.#isCancelled) return;
      const ready = this.#held;
      if (done) {
        this.#atEnd(this.#hash.hex());
        if (ready) controller.enqueue(ready);
        return controller.close();
      }
      // What is not bytes is refused by the provider.
      if (!(value instanceof Uint8Array)) return controller.enqueue(value);
      const wanted = this.#take(value);
      if (wanted.byteLength === 0) continue;
      this.#held = wanted;
      if (ready) return controller.enqueue(ready);
    }
  }

  async cancel(reason: unknown): Promise<void> {
    this.#isCancelled = true;
    await this.#reader.cancel(reason);
  }

  /** Adds a chunk to the digest; gives back what the span wants of it. */
  #take(chunk: Uint8Array): Bytes {
    this.#hash.update(chunk);
    const { start, end } = this.#span;
    const wanted = chunk.subarray(
      Math.max(0, start - this.#position),
      Math.max(0, end - this.#position),
    );
    this.#position += chunk.byteLength;
    return wanted as Bytes;
  }
}
