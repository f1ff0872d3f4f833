import type { Chunk, HttpClient, HttpRequest, RawResponse } from "./http_client.ts";

const CHUNK_BYTES = 65_536;

/** Talks HTTP through a `fetch` function. */
export class FetchClient implements HttpClient {
  readonly #fetch: typeof globalThis.fetch;
  readonly #sendsLength: boolean;

  /** Creates the client. With `sendsLength`, `fetch` sends the length of a stream, not its chunks. */
  constructor(fetch: typeof globalThis.fetch, { sendsLength = false } = {}) {
    this.#fetch = fetch;
    this.#sendsLength = sendsLength;
  }

  /** Sends one request. */
  async send(
    { method, url, headers, body }: HttpRequest,
    signal: AbortSignal,
  ): Promise<RawResponse> {
    const fetch = this.#fetch;
    const response = await fetch(url, {
      method,
      redirect: "manual",
      signal,
      ...(body ? this.#sendable(headers, body) : { headers }),
    });
    const reader: ReadableStreamDefaultReader<Chunk> | undefined = response.body?.getReader();
    return {
      status: response.status,
      headers: response.headers,
      chunks: reader && {
        next: () => reader.read(),
        cancel: () => void reader.cancel().catch(() => {}),
      },
    };
  }

  /** Large bodies go as streams where that is possible: as bytes they are copied. */
  #sendable(headers: Readonly<Record<string, string>>, body: Uint8Array): RequestInit {
    if (!this.#sendsLength || body.byteLength <= CHUNK_BYTES) {
      return { headers, body: body as BodyInit };
    }
    const length = { "content-length": String(body.byteLength) };
    return { headers: { ...headers, ...length }, body: streamOf(body) };
  }

  /** The connections are the runtime's. */
  close(): void {}
}

function streamOf(body: Uint8Array): ReadableStream<Uint8Array> {
  let position = 0;
  return new ReadableStream({
    pull(controller): void {
      if (position >= body.byteLength) return controller.close();
      controller.enqueue(body.subarray(position, position += CHUNK_BYTES));
    },
  }, { highWaterMark: 0 });
}
