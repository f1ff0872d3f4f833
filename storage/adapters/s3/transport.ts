import type { Clock } from "../../../core/clock.ts";
import { asFailure, networkFailure, S3Failure } from "./failure.ts";
import type { HttpClient, HttpRequest, RawResponse } from "./http_client.ts";
import { ResponseBody } from "./response_body.ts";

/** An answer whose headers are there. */
export interface HttpResponse {
  /** The status. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body, to be read to its end or cancelled. */
  readonly body: ResponseBody;
}

/** How a {@linkcode Transport} sends. */
export interface TransportOptions {
  /** Sends a request. */
  readonly client: Promise<HttpClient>;
  /** Measures the deadlines. */
  readonly clock: Clock;
  /** How long the server may take to begin its answer, in milliseconds. */
  readonly responseTimeoutMs: number;
  /** How long it may pause in its answer, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** How slow a network may be before a request with a body counts as lost. */
const SLOWEST_BYTES_PER_MS = 100;

/** Sends requests with the same deadlines on all runtimes: one for the beginning of the answer, one for each pause in it. */
export class Transport {
  readonly #options: TransportOptions;

  /** Creates the transport. */
  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * Sends one request, once. Rejects with an {@linkcode S3Failure} when no answer begins, and with the reason
   * of the signal when that fires; the signal holds for the body, too.
   */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    signal.throwIfAborted();
    const { clock, responseTimeoutMs, idleTimeoutMs } = this.#options;
    const aborter = new AbortController();
    const abort = (): void => aborter.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const release = (): void => signal.removeEventListener("abort", abort);
    const bodyMs = Math.ceil((request.body?.byteLength ?? 0) / SLOWEST_BYTES_PER_MS);
    const limitMs = responseTimeoutMs + bodyMs;
    const cancelTimer = clock.after(limitMs, () => {
      aborter.abort(new S3Failure({ why: `the server did not answer in ${limitMs} milliseconds` }));
    });
    try {
      const { status, headers, chunks } = await this.#send(request, aborter.signal);
      const body = new ResponseBody(chunks, { aborter, clock, idleTimeoutMs, release });
      return { status, headers, body };
    } catch (error) {
      release();
      signal.throwIfAborted();
      throw asFailure(error) ?? networkFailure(error);
    } finally {
      cancelTimer();
    }
  }

  /** Settles when the signal fires, whatever the client does then. */
  #send(request: HttpRequest, signal: AbortSignal): Promise<RawResponse> {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#options.client.then((client) => client.send(request, signal)).then(resolve, reject);
    });
  }
}
