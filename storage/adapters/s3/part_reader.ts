import { joinBytes } from "../../joined_bytes.ts";

/** The first bytes of a body. */
export interface FirstPart {
  /** The bytes, which nobody changes. */
  readonly bytes: Uint8Array;
  /** Whether nothing comes behind them. */
  readonly isLast: boolean;
}

/** A part behind the first one. */
export interface FilledPart {
  /** Which part it is; the first one is 1. */
  readonly number: number;
  /** The bytes, in the buffer that was filled. */
  readonly bytes: Uint8Array;
}

/**
 * Gathers the chunks of a body into parts of one size; the last one can be smaller. Bytes are read only when
 * they are asked for.
 */
export class PartReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #partBytes: number;
  /** How many parts were read. */
  #filled = 1;
  #rest: Uint8Array = new Uint8Array();
  #turn: Promise<unknown> = Promise.resolve();

  /** Creates a reader over chunks, none of them empty, for parts of `partBytes` bytes. */
  constructor(chunks: AsyncIterable<Uint8Array>, partBytes: number) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#partBytes = partBytes;
  }

  /** The first part, which can be empty; called once, before anything else. Takes no more memory than there are bytes. */
  async first(): Promise<FirstPart> {
    const gathered: Uint8Array[] = [];
    let size = 0;
    while (size < this.#partBytes && await this.#hasMore()) {
      const taken = this.#take(this.#partBytes - size);
      gathered.push(taken);
      size += taken.byteLength;
    }
    return { bytes: join(gathered), isLast: !await this.#hasMore() };
  }

  /**
   * Fills a buffer of the size of a part with the next bytes; resolves with `undefined` at the end. Calls wait for
   * each other; `bufferOf` is called only if there are bytes.
   */
  fill(bufferOf: () => Uint8Array): Promise<FilledPart | undefined> {
    const filled = this.#turn.then(() => this.#fill(bufferOf));
    this.#turn = filled.catch(() => {});
    return filled;
  }

  /** Ends the body; not waited for, because a source that is stuck ends only with the call. */
  close(): void {
    this.#chunks.return?.().catch(() => {});
  }

  async #fill(bufferOf: () => Uint8Array): Promise<FilledPart | undefined> {
    if (!await this.#hasMore()) return undefined;
    const buffer = bufferOf();
    let size = 0;
    while (size < this.#partBytes && await this.#hasMore()) {
      const taken = this.#take(this.#partBytes - size);
      buffer.set(taken, size);
      size += taken.byteLength;
    }
    return { number: ++this.#filled, bytes: buffer.subarray(0, size) };
  }

  async #hasMore(): Promise<boolean> {
    if (this.#rest.byteLength > 0) return true;
    const { done, value } = await this.#chunks.next();
    if (!done) this.#rest = value;
    return !done;
  }

  #take(limit: number): Uint8Array {
    const taken = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(limit);
    return taken;
  }
}

/** One chunk alone is not copied. */
function join(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  return first && chunks.length === 1 ? first : joinBytes(chunks);
}
