import { Buffer } from "node:buffer";
import { malformedFailure, statusFailure } from "./http_failure.ts";
import { ErrorReply } from "./redis_error.ts";

/** What is used of `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Where a server is that takes commands over HTTP. */
export interface HttpAddress {
  /** The URL, without a slash at the end. */
  readonly url: string;
  /** What it knows its callers by. */
  readonly token: string;
  /** Sends requests. */
  readonly fetch: Fetch;
}

/** The reply to one command, whose texts are a `Buffer`, or what the server replied instead. */
export type HttpReply = { readonly result: unknown } | { readonly error: ErrorReply };

/** The header that lets reads see what this client has written, on servers that read from replicas. */
const SYNC_HEADER = "upstash-sync-token";

/** A server that speaks the REST protocol of Upstash: commands are arrays of JSON, sent by POST. */
export class RedisHttpServer {
  readonly #address: HttpAddress;
  #syncToken = "";

  /** Creates one; nothing is sent. */
  constructor(address: HttpAddress) {
    this.#address = address;
  }

  /**
   * Sends commands as one request, and resolves with one reply for each. Rejects with an `HttpFailure`, with an
   * `ErrorReply` to all of them, or with what `fetch` does.
   */
  async send(commands: readonly (readonly string[])[], signal: AbortSignal): Promise<HttpReply[]> {
    const [first] = commands;
    if (commands.length === 1) return [replyOf(await this.#post("", first, signal))];
    const answers = await this.#post("/pipeline", commands, signal);
    if (Array.isArray(answers) && answers.length === commands.length) return answers.map(replyOf);
    const reply = Array.isArray(answers) ? undefined : replyOf(answers);
    if (reply && "error" in reply) throw reply.error;
    throw malformedFailure(`does not have ${commands.length} replies`);
  }

  async #post(path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const { url, token, fetch } = this.#address;
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      // Without it, bytes that are no UTF-8 would be lost.
      "upstash-encoding": "base64",
      ...(this.#syncToken && { [SYNC_HEADER]: this.#syncToken }),
    };
    const init = { method: "POST", redirect: "manual", headers, signal } as const;
    const response = await fetch(url + path, { ...init, ...sentOnce(JSON.stringify(body)) });
    const { ok, status } = response;
    if (!ok && status !== 400) {
      await response.body?.cancel();
      throw statusFailure(status);
    }
    const text = await response.text();
    this.#syncToken = response.headers.get(SYNC_HEADER) ?? this.#syncToken;
    const answer = parsed(text);
    if (answer === undefined) throw ok ? malformedFailure("is not JSON") : statusFailure(status);
    return answer;
  }
}

/**
 * The `fetch` of Deno sends a text once more when a connection that it has used before breaks under it, also if the
 * server has carried it out; it cannot with a stream.
 */
function sentOnce(text: string): RequestInit {
  if (!("Deno" in globalThis)) return { body: text };
  const init = { body: new Blob([text]).stream(), duplex: "half" };
  return init;
}

/** The JSON value, or `undefined` for what is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function replyOf(answer: unknown): HttpReply {
  const { result, error } = Object(answer) as { result?: unknown; error?: unknown };
  if (typeof error === "string") return { error: new ErrorReply(error) };
  if (result === undefined) throw malformedFailure("is no reply of the REST protocol");
  return { result: decoded(result) };
}

/** All texts are base64, but `OK`, which base64 never is. */
function decoded(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(decoded);
  if (typeof result !== "string") return result;
  return result === "OK" ? Buffer.from(result) : Buffer.from(result, "base64");
}
