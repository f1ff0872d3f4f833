import type { HttpReply, RedisHttpServer } from "./http_server.ts";

/** How much one request holds; servers limit the size of a request, and run its commands one after the other. */
const MAX_COMMANDS = 128;
const MAX_LENGTH = 262_144;

/** A command that waits for its reply. */
interface Waiting {
  readonly words: readonly string[];
  readonly signal: AbortSignal;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends the commands that are given in one turn together, in their order: a request costs more than a command. */
export class HttpPipelines {
  readonly #server: Pick<RedisHttpServer, "send">;
  #waiting: Waiting[] = [];

  /** Creates one for a server. */
  constructor(server: Pick<RedisHttpServer, "send">) {
    this.#server = server;
  }

  /**
   * Resolves with the reply. Rejects with an `ErrorReply`, as {@linkcode RedisHttpServer.send} does, or with the reason
   * of the signal as soon as that aborts; what has not been sent by then is not.
   */
  send(words: readonly string[], signal: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      if (this.#waiting.length === 0) queueMicrotask(() => this.#flush());
      this.#waiting.push({ words, signal, resolve, reject });
    });
  }

  #flush(): void {
    const waiting = this.#waiting.filter(({ signal }) => !signal.aborted);
    this.#waiting = [];
    let batch: Waiting[] = [];
    let length = 0;
    for (const one of waiting) {
      const added = one.words.reduce((sum, word) => sum + word.length, 0);
      if (batch.length === MAX_COMMANDS || batch.length > 0 && length + added > MAX_LENGTH) {
        void this.#run(batch);
        batch = [];
        length = 0;
      }
      batch.push(one);
      length += added;
    }
    if (batch.length > 0) void this.#run(batch);
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    const nobodyWaits = new AbortController();
    let waiting = batch.length;
    const leave = (): void => {
      if (--waiting === 0) nobodyWaits.abort();
    };
    for (const { signal } of batch) signal.addEventListener("abort", leave, { once: true });
    const words = batch.map((one) => one.words);
    try {
      const replies = await this.#server.send(words, nobodyWaits.signal);
      batch.forEach((one, i) => settle(one, replies[i] as HttpReply));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

function settle({ resolve, reject }: Waiting, reply: HttpReply): void {
  if ("error" in reply) reject(reply.error);
  else resolve(reply.result);
}
