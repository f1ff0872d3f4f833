import type { ClientRequest, IncomingMessage } from "node:http";
import { assumedNodeModule } from "../../../core/node_module.ts";
import type { Chunk, ChunkReader, HttpClient, HttpRequest, RawResponse } from "./http_client.ts";

const http = assumedNodeModule("node:http");
const https = assumedNodeModule("node:https");

/** Talks HTTP through `node:http`, with connections of its own that are used again. */
export class NodeClient implements HttpClient {
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #tlsAgent = new https.Agent({ keepAlive: true });

  /** Sends one request. */
  send(request: HttpRequest, signal: AbortSignal): Promise<RawResponse> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const sent = this.#begin(request);
      const abort = (): void => void sent.destroy(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      sent.on("error", reject);
      sent.on("close", () => signal.removeEventListener("abort", abort));
      sent.on("response", (response) => resolve(rawResponse(response, sent)));
      sent.end(request.body);
    });
  }

  /** Closes connections that nobody uses. */
  close(): void {
    for (const agent of [this.#agent, this.#tlsAgent]) {
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
    }
  }

  #begin({ method, url, headers, body }: HttpRequest): ClientRequest {
    const length = body ? { "content-length": body.byteLength } : {};
    const options = { method, headers: { ...headers, ...length } };
    return url.startsWith("https:")
      ? https.request(url, { ...options, agent: this.#tlsAgent })
      : http.request(url, { ...options, agent: this.#agent });
  }
}

function rawResponse(response: IncomingMessage, request: ClientRequest): RawResponse {
  const headers = new Headers();
  const { rawHeaders } = response;
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  const chunks = new IncomingChunks(response, request);
  const isEmpty = request.method === "HEAD";
  // Nobody reads what is empty, but a connection is free only behind the end of its answer.
  if (isEmpty) response.resume();
  return { status: response.statusCode ?? 0, headers, chunks: isEmpty ? undefined : chunks };
}

type Next = Awaited<ReturnType<ChunkReader["next"]>>;

/** How many chunks may wait to be read until the connection pauses. */
const MAX_WAITING = 2;

/** Reads an answer chunk by chunk. An iterator of Node's does it, too, but joins chunks by copying them. */
class IncomingChunks implements ChunkReader {
  readonly #response: IncomingMessage;
  readonly #request: ClientRequest;
  readonly #waiting: Chunk[] = [];
  #reader: { resolve(next: Next): void; reject(error: unknown): void } | undefined;
  #hasEnded = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(response: IncomingMessage, request: ClientRequest) {
    this.#response = response;
    this.#request = request;
    response.pause();
    response.on("data", (chunk: Chunk) => this.#add(plainBytes(chunk)));
    response.on("end", () => {
      this.#hasEnded = true;
      this.#reader?.resolve({ done: true });
    });
    response.on("error", (error) => this.#fail(error));
    response.on("close", () => this.#fail(new Error("the connection was closed")));
  }

  next(): Promise<Next> {
    const value = this.#waiting.shift();
    if (value) return Promise.resolve({ value });
    if (this.#hasEnded) return Promise.resolve({ done: true });
    if (this.#failure) return Promise.reject(this.#failure.error);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#response.resume();
    });
  }

  cancel(): void {
    this.#request.destroy();
  }

  #add(chunk: Chunk): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader) return reader.resolve({ value: chunk });
    this.#waiting.push(chunk);
    if (this.#waiting.length >= MAX_WAITING) this.#response.pause();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#reader?.reject(error);
  }
}

/** A `Buffer` has methods of the same names that do something else, such as `slice`. */
function plainBytes({ buffer, byteOffset, byteLength }: Chunk): Chunk {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
