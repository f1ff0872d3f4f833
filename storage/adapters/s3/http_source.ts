import type { Clock } from "../../../core/clock.ts";
import { notIntact, type StorageOperation } from "../../failures.ts";
import type { Span } from "../../range.ts";
import type { ByteSource } from "../../read_stream.ts";
import { asFailure } from "./failure.ts";
import type { ResponseBody } from "./response_body.ts";

/** How an {@linkcode HttpSource} reads. */
export interface HttpSourceOptions {
  /** For errors. */
  readonly operation: StorageOperation;
  /** Asks for the bytes from `position` on, of the same version, until the signal fires. */
  readonly reopen: (position: number, signal: AbortSignal) => Promise<ResponseBody>;
  /** How often in a row the connection may break without a byte in between. */
  readonly maxAttempts: number;
  /** Measures pauses of the reader. */
  readonly clock: Clock;
  /** How long the reader may pause until its connection is given back, in milliseconds. */
  readonly idleTimeoutMs: number;
}

type Chunk = Uint8Array<ArrayBuffer>;

/** Without a reason of ours, the runtime makes one with a stack each time. */
const CLOSED = new Error("The source was closed");

/**
 * The bytes of an object over HTTP, read one after the other. When the connection breaks, the rest is asked for
 * again; when the reader pauses, the connection is given back until it goes on.
 */
export class HttpSource implements ByteSource {
  readonly #options: HttpSourceOptions;
  readonly #span: Span;
  readonly #closing = new AbortController();
  #body: ResponseBody | undefined;
  #position: number;
  #rest: Chunk | undefined;
  #cancelWatch: () => void = () => {};
  /** When the reader last got something; while it waits, it does not pause. */
  #pausedMs: number | undefined;

  /** Creates the source over an answer that begins at the start of the span. */
  constructor(body: ResponseBody, span: Span, options: HttpSourceOptions) {
    this.#body = body;
    this.#span = span;
    this.#position = span.start;
    this.#options = options;
    this.#pausedMs = options.clock.monotonic();
    this.#watch(options.idleTimeoutMs);
  }

  /** Reads up to `length` bytes at `position`, which is where the last call ended. */
  async read(position: number, length: number): Promise<Chunk> {
    this.#pausedMs = undefined;
    const chunk = this.#rest ?? await this.#next();
    this.#position = position + Math.min(chunk.byteLength, length);
    this.#rest = chunk.byteLength > length ? chunk.subarray(length) : undefined;
    this.#pausedMs = this.#options.clock.monotonic();
    return this.#rest ? chunk.subarray(0, length) : chunk;
  }

  /** Gives the connection back; for use by others only if the answer was read to its end. */
  async close(): Promise<void> {
    this.#cancelWatch();
    this.#closing.abort(CLOSED);
    const body = this.#body;
    this.#body = undefined;
    // What was read whole has its end right behind it.
    if (this.#position === this.#span.end) await body?.read().catch(() => {});
    body?.cancel();
  }

  async #next(): Promise<Chunk> {
    const { operation, maxAttempts, reopen } = this.#options;
    for (let attempt = 1;; attempt++) {
      const body = this.#body ??= await reopen(this.#position, this.#closing.signal);
      // It was closed just when the answer came, and nobody else would give this one up.
      if (this.#closing.signal.aborted) body.cancel();
      try {
        const chunk = await this.#readSome(body);
        if (chunk) return chunk;
      } catch (error) {
        if (!asFailure(error)) throw error;
      }
      this.#body = undefined;
      if (attempt >= maxAttempts) throw notIntact(operation, "its bytes end too early");
    }
  }

  /** Some bytes; `undefined` when the answer ended too early. */
  async #readSome(body: ResponseBody): Promise<Chunk | undefined> {
    for (let chunk = await body.read(); chunk; chunk = await body.read()) {
      if (chunk.byteLength === 0) continue;
      if (this.#position + chunk.byteLength > this.#span.end) {
        body.cancel();
        throw notIntact(this.#options.operation, "it has too many bytes");
      }
      return chunk;
    }
    return undefined;
  }

  /** Looks at times whether the reader pauses, and gives the connection back if it does. */
  #watch(delayMs: number): void {
    const { clock, idleTimeoutMs } = this.#options;
    this.#cancelWatch = clock.after(delayMs, () => {
      const pauseMs = this.#pausedMs === undefined ? 0 : clock.monotonic() - this.#pausedMs;
      if (pauseMs >= idleTimeoutMs) {
        this.#body?.cancel();
        this.#body = undefined;
      }
      this.#watch(pauseMs < idleTimeoutMs ? idleTimeoutMs - pauseMs : idleTimeoutMs);
    }, { background: true });
  }
}
