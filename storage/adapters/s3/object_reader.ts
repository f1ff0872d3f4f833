import type { StorageCall } from "../../call.ts";
import { quoteEtag } from "../../etag.ts";
import type { ObjectAddress } from "../../driver.ts";
import {
  missing,
  notIntact,
  otherVersion,
  storageFailure,
  type StorageOperation,
} from "../../failures.ts";
import { locateRange, type Span } from "../../range.ts";
import { readStream } from "../../read_stream.ts";
import type { DownloadRequest } from "../../requests.ts";
import type { ByteRange, ObjectStream } from "../../storage.ts";
import { asFailure } from "./failure.ts";
import { HttpSource } from "./http_source.ts";
import { readHeaders } from "./object_headers.ts";
import type { ResponseBody } from "./response_body.ts";
import { toStorageError } from "./s3_error.ts";
import type { S3Server } from "./server.ts";
import type { HttpResponse } from "./transport.ts";

/** What the headers of an object say. */
export type ObjectHeaders = NonNullable<ReturnType<typeof readHeaders>>;

interface Answer {
  readonly status: number;
  readonly headers: ObjectHeaders;
  readonly body: ResponseBody;
}

/** Reads objects and what is known about them. */
export class ObjectReader {
  readonly #server: S3Server;

  /** Creates the reader. */
  constructor(server: S3Server) {
    this.#server = server;
  }

  /** What is known about an object; `undefined` if there is none. */
  async stat(call: StorageCall, at: ObjectAddress): Promise<ObjectHeaders | undefined> {
    try {
      const { headers, body } = await this.#ask(call, at, "HEAD", call.signal);
      // It is empty, but its connection is used again only when its end was read.
      await body.bytes(0);
      return headers;
    } catch (error) {
      if (asFailure(error)?.status === 404) return undefined;
      throw error;
    }
  }

  /** Opens an object. */
  async open(
    call: StorageCall,
    from: ObjectAddress,
    request: DownloadRequest,
  ): Promise<ObjectStream> {
    const { range, ifMatch, signals } = request;
    const first = await this.#get(call, from, call.signal, { range, ifMatch });
    const { mark: _, ...metadata } = first.headers;
    try {
      const span = locateRange(range, metadata.size);
      if (range && first.status !== 206) throw unsupportedRange(call.operation);
      const source = this.#sourceOf(call, from, first, span);
      return { metadata, body: readStream(call.operation, source, span, signals) };
    } catch (error) {
      first.body.cancel();
      throw error;
    }
  }

  #sourceOf(call: StorageCall, from: ObjectAddress, first: Answer, span: Span): HttpSource {
    const { operation } = call;
    const { etag } = first.headers;
    const { maxAttempts, clock, idleTimeoutMs } = this.#server.settings;
    const reopen = async (position: number, signal: AbortSignal): Promise<ResponseBody> => {
      const range = { offset: position, length: span.end - position };
      const rest = await this.#get(call, from, signal, { range, ifMatch: etag }).catch((error) => {
        throw toStorageError(error, call);
      });
      if (rest.status === 206 && rest.headers.etag === etag) return rest.body;
      rest.body.cancel();
      throw notIntact(operation, "the server goes on with other bytes");
    };
    return new HttpSource(first.body, span, {
      operation,
      reopen,
      maxAttempts,
      clock,
      idleTimeoutMs,
    });
  }

  async #get(
    call: StorageCall,
    from: ObjectAddress,
    signal: AbortSignal,
    { range, ifMatch }: { range: ByteRange | undefined; ifMatch: string | undefined },
  ): Promise<Answer> {
    try {
      return await this.#ask(call, from, "GET", signal, {
        ...(range === undefined ? {} : { range: rangeHeader(range) }),
        ...(ifMatch === undefined ? {} : { "if-match": quoteEtag(ifMatch) }),
      });
    } catch (error) {
      const status = asFailure(error)?.status;
      if (status === 412) throw otherVersion(call.operation);
      if (status === 404) throw missing(call.operation, "object");
      // Not all servers say in this answer how long the object is.
      if (status === 416) locateRange(range, (await this.stat(call, from))?.size ?? 0);
      throw error;
    }
  }

  /** Asks until the answer is about the bytes as they are stored: `fetch` undoes a `Content-Encoding`. */
  async #ask(
    call: StorageCall,
    at: ObjectAddress,
    method: "GET" | "HEAD",
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const request = { method, ...at, headers: { ...headers, "accept-encoding": "identity" } };
    const answer = await this.#server.send(signal, request);
    const found = readAnswer(at.key, answer);
    if (found) return found;
    answer.body.cancel();
    const query = { "response-content-encoding": "identity" };
    const plain = await this.#server.send(signal, { ...request, query });
    const plainFound = readAnswer(at.key, plain);
    if (plainFound) return plainFound;
    plain.body.cancel();
    const why = "the server does not say how many bytes are stored";
    throw storageFailure(call.operation, why, { code: "unsupported" });
  }
}

function readAnswer(key: string, { status, headers, body }: HttpResponse): Answer | undefined {
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") return undefined;
  const found = readHeaders(key, headers);
  return found && { status, body, headers: found };
}

function rangeHeader({ offset, length }: ByteRange): string {
  return length === undefined ? `bytes=${offset}-` : `bytes=${offset}-${lastByte(offset, length)}`;
}

/** Servers refuse numbers above those of 64 bits, and some above those of a double. */
function lastByte(offset: number, length: number): number {
  return Math.min(offset + length - 1, Number.MAX_SAFE_INTEGER);
}

function unsupportedRange(operation: StorageOperation): Error {
  return storageFailure(operation, "the server ignores ranges", { code: "unsupported" });
}
