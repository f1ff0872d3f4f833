import type { Clock } from "../../../core/clock.ts";
import { joinBytes } from "../../joined_bytes.ts";
import { asFailure, networkFailure, S3Failure } from "./failure.ts";
import type { Chunk, ChunkReader } from "./http_client.ts";

/** What a {@linkcode ResponseBody} belongs to. */
export interface BodyOwner {
  /** Ends the exchange. */
  readonly aborter: AbortController;
  /** Measures pauses. */
  readonly clock: Clock;
  /** How long the server may pause, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** Called once, when nothing more will be read. */
  readonly release: () => void;
}

/** The body of an answer. It holds a connection until it was read to its end or cancelled. */
export class ResponseBody {
  readonly #owner: BodyOwner;
  #chunks: ChunkReader | undefined;
  #fail: (reason: unknown) => void = () => {};
  #cancelWatch: (() => void) | undefined;
  /** When the read that is waited for began. */
  #sinceMs: number | undefined;

  /** Creates the body; without chunks it is empty. */
  constructor(chunks: ChunkReader | undefined, owner: BodyOwner) {
    this.#owner = owner;
    this.#chunks = chunks;
    if (!chunks) owner.release();
    const { signal } = owner.aborter;
    signal.addEventListener("abort", () => this.#fail(signal.reason), { once: true });
  }

  /**
   * Reads some bytes; `undefined` at the end. Rejects with an {@linkcode S3Failure} when the connection breaks or
   * the server pauses for too long, and with the reason of the signal that ended the exchange.
   */
  async read(): Promise<Chunk | undefined> {
    if (!this.#chunks) return undefined;
    try {
      const { done, value } = await this.#settled(this.#chunks.next());
      if (!done) return value;
      this.#end();
      return undefined;
    } catch (error) {
      const { signal } = this.#owner.aborter;
      const reason = signal.aborted ? signal.reason : asFailure(error) ?? networkFailure(error);
      this.cancel();
      throw reason;
    }
  }

  /** Reads everything, at most `limit` bytes; what is longer is a failure. */
  async bytes(limit: number): Promise<Chunk> {
    const chunks: Chunk[] = [];
    let size = 0;
    for (let chunk = await this.read(); chunk; chunk = await this.read()) {
      size += chunk.byteLength;
      if (size > limit) {
        this.cancel();
        throw new S3Failure({ why: `the answer has more than ${limit} bytes` });
      }
      chunks.push(chunk);
    }
    return joinBytes(chunks);
  }

  /** Gives up what was not read yet. */
  cancel(): void {
    const chunks = this.#chunks;
    if (!chunks) return;
    this.#end();
    chunks.cancel();
    this.#owner.aborter.abort(new S3Failure({ why: "the answer was given up" }));
  }

  #end(): void {
    this.#chunks = undefined;
    this.#cancelWatch?.();
    this.#owner.release();
  }

  /** Waits for a read, for as long as the server may pause and nobody ends the exchange. */
  async #settled<T>(read: Promise<T>): Promise<T> {
    const { clock, idleTimeoutMs } = this.#owner;
    this.#sinceMs = clock.monotonic();
    if (!this.#cancelWatch) this.#watch(idleTimeoutMs);
    try {
      return await new Promise((resolve, reject) => {
        this.#fail = reject;
        read.then(resolve, reject);
      });
    } finally {
      this.#sinceMs = undefined;
    }
  }

  /** Looks at times whether a read has waited too long; a timer for each read would cost more than the read. */
  #watch(delayMs: number): void {
    const { aborter, clock, idleTimeoutMs } = this.#owner;
    this.#cancelWatch = clock.after(delayMs, () => {
      const waitedMs = this.#sinceMs === undefined ? 0 : clock.monotonic() - this.#sinceMs;
      if (waitedMs < idleTimeoutMs) return this.#watch(idleTimeoutMs - waitedMs);
      aborter.abort(new S3Failure({ why: `the server paused for ${idleTimeoutMs} milliseconds` }));
    }, { background: true });
  }
}
