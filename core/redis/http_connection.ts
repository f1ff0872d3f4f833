import { settleWithin } from "../call_options.ts";
import type { Clock } from "../clock.ts";
import type { RedisCommand } from "./channel.ts";
import { HttpFailure, toHttpError } from "./http_failure.ts";
import { HttpPipelines } from "./http_pipelines.ts";
import { type HttpAddress, RedisHttpServer } from "./http_server.ts";
import { textWords } from "./packed_words.ts";
import type { RedisCall } from "./pending_calls.ts";
import type { RedisArea } from "./redis_area.ts";
import type { RedisCommands } from "./redis_commands.ts";
import { closedError, interruptedError, replyCode } from "./redis_error.ts";

/** How an {@linkcode HttpRedisConnection} behaves. */
export interface HttpConnectionSettings extends HttpAddress {
  /** Whose it is. */
  readonly area: RedisArea;
  /** Measures deadlines. */
  readonly clock: Clock;
}

/** How often what can be repeated is sent: a runtime may keep two connections that the server has closed meanwhile. */
const MAX_ATTEMPTS = 3;

/**
 * Sends commands over HTTP. There is no connection to keep: every turn's commands are a request of their own, and
 * requests can overtake each other.
 */
export class HttpRedisConnection implements RedisCommands {
  /** A single server, as far as its callers can tell. */
  readonly sharded: boolean = false;
  readonly #settings: HttpConnectionSettings;
  readonly #pipelines: HttpPipelines;
  readonly #calls = new Set<AbortController>();
  readonly #removals = new Map<string, Promise<void>>();
  #closed = false;

  /** Creates one; nothing is sent. */
  constructor(settings: HttpConnectionSettings) {
    this.#settings = settings;
    this.#pipelines = new HttpPipelines(new RedisHttpServer(settings));
  }

  /** See {@linkcode RedisCommands.nowMs}. */
  get nowMs(): number {
    return this.#settings.clock.monotonic();
  }

  /**
   * See {@linkcode RedisCommands.send}. What was given up can still be carried out, also after what was sent later.
   */
  async send(command: RedisCommand, call: RedisCall): Promise<unknown> {
    const { area, clock } = this.#settings;
    const { operation, signal, timeoutMs, endMs } = call;
    if (this.#closed) throw closedError(area, operation);
    const gaveUp = new AbortController();
    this.#calls.add(gaveUp);
    try {
      return await settleWithin(
        this.#inOrder(command, gaveUp.signal),
        { signal, defaultTimeoutMs: timeoutMs, endMs, clock },
        (interruption) => interruptedError(area, operation, interruption),
      );
    } catch (error) {
      if (this.#closed) throw closedError(area, operation);
      throw toHttpError(area, error, { operation, mayHaveRun: !command.readOnly });
    } finally {
      this.#calls.delete(gaveUp);
      gaveUp.abort();
    }
  }

  /** See {@linkcode RedisCommands.forEachMaster}; there is one. */
  async forEachMaster(
    use: (send: (args: readonly string[]) => Promise<unknown>) => Promise<void>,
    call: RedisCall,
  ): Promise<void> {
    await use((args) => this.send({ args, readOnly: true }, call));
  }

  /** Rejects everything that waits, and every call from now on. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const call of this.#calls) call.abort();
  }

  /** A removal that nobody waits for must not take along what is written later, so all about its key waits for it. */
  async #inOrder(command: RedisCommand, signal: AbortSignal): Promise<unknown> {
    const { key, args } = command;
    if (key === undefined) return await this.#attempt(command, signal);
    for (let removal = this.#removals.get(key); removal; removal = this.#removals.get(key)) {
      await removal;
      signal.throwIfAborted();
    }
    const reply = this.#attempt(command, signal);
    if (args[0] === "UNLINK") {
      const removal = reply.then(() => {}, () => {}).then(() => void this.#removals.delete(key));
      this.#removals.set(key, removal);
    }
    return await reply;
  }

  async #attempt(command: RedisCommand, signal: AbortSignal): Promise<unknown> {
    const words = textWords(command);
    for (let left = command.repeatable ? MAX_ATTEMPTS : 1;; left--) {
      try {
        return await this.#pipelines.send(words, signal);
      } catch (error) {
        const isAnswer = error instanceof HttpFailure || replyCode(error) !== undefined;
        if (isAnswer || left === 1 || signal.aborted) throw error;
      }
    }
  }
}
