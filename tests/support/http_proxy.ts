import type { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { type Fault, Gate, type ProxiedReply, type ProxiedRequest } from "./http_faults.ts";
import {
  type Body,
  ConnectionEnd,
  drain,
  framing,
  type Head,
  type HeaderLine,
  headerValue,
  MessageReader,
  writeMessage,
} from "./http_messages.ts";
import { LoopbackListener } from "./loopback_listener.ts";

/** Which requests: those whose method and target, as in `GET /bucket/key?x=1`, match, or those meant. */
export type Match = RegExp | ((request: ProxiedRequest) => boolean);

/** A request that came to the proxy. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query, exactly as on the wire. */
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  /** The number of the connection that it came on, from 1. */
  readonly connection: number;
  /** How many bytes of its body have come. */
  bodyBytes: number;
  /** The status that the client got, if any. */
  status: number | undefined;
}

interface Rule {
  readonly match: Match;
  readonly fault: Fault;
  leftTimes: number;
}

/**
 * An HTTP proxy on 127.0.0.1 that harms requests and replies. What it does not harm it passes on as
 * it came, `Host` included, because signatures cover it. It is made of plain sockets: the HTTP
 * servers of the runtimes differ in what they tell about a request, and in how they let it end.
 */
export class HttpProxy implements AsyncDisposable {
  /**
   * Every request so far. The `fetch` of Deno and that of Bun send one again on their own, when a
   * connection that they have used before ends before the reply; Bun does so except with `POST`.
   */
  readonly requests: SeenRequest[] = [];
  readonly #listener = new LoopbackListener({ noDelay: true }, (client) => this.#accept(client));
  readonly #target: { readonly host: string; readonly port: number };
  readonly #clients = new Map<Socket, Promise<void>>();
  #rules: readonly Rule[] = [];
  #connections = 0;

  private constructor(target: URL) {
    this.#target = { host: target.hostname, port: Number(target.port) };
  }

  /** Starts a proxy on a free port, in front of `http://<host>:<port>`. */
  static async start(target: string): Promise<HttpProxy> {
    const proxy = new HttpProxy(new URL(target));
    await proxy.up();
    return proxy;
  }

  /** Where it listens; the same after {@linkcode HttpProxy.down}. */
  get url(): string {
    return `http://127.0.0.1:${this.#listener.port}`;
  }

  /** The connections of clients that are open now. */
  get connectionCount(): number {
    return this.#clients.size;
  }

  /**
   * From now on, does this to requests that match, or to the first `times` of them. A fault is next
   * to the client of those that were added after it: an answer, say, keeps them from happening.
   */
  on(match: Match, fault: Fault, { times = Infinity }: { readonly times?: number } = {}): void {
    this.#rules = [...this.#rules, { match, fault, leftTimes: times }];
  }

  /** From now on, holds the requests that match, or the replies to them, until they are released. */
  hold(match: Match, point: "request" | "reply" = "request"): Gate {
    const gate = new Gate(point);
    this.on(match, gate.hold);
    return gate;
  }

  /** Removes every fault. Requests that have come before keep theirs. */
  heal(): void {
    this.#rules = [];
  }

  /** Resets every open connection; new ones are served. */
  resetAll(): void {
    for (const client of this.#clients.keys()) reset(client);
  }

  /** Refuses new connections and resets the open ones, as a server that is down does. */
  async down(): Promise<void> {
    await this.#listener.down(() => this.resetAll());
    await Promise.all(this.#clients.values());
  }

  /** Serves again after {@linkcode HttpProxy.down}, on the same port. */
  async up(): Promise<void> {
    await this.#listener.up();
  }

  /** Stops the proxy. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.down();
  }

  #accept(client: Socket): void {
    const closed = new Promise((resolve) => client.once("close", resolve));
    const served = Promise.all([closed, this.#serve(client)]);
    this.#clients.set(client, served.then(() => void this.#clients.delete(client)));
  }

  /** Never rejects. */
  async #serve(client: Socket): Promise<void> {
    const connection = ++this.#connections;
    const reader = new MessageReader(client);
    try {
      for (let head = await reader.head(); head; head = await reader.head()) {
        await this.#exchange(client, reader, head, connection);
      }
      client.end();
    } catch (error) {
      if (error instanceof ConnectionEnd) client.end();
      else reset(client);
    }
  }

  async #exchange(
    client: Socket,
    reader: MessageReader,
    { firstLine, headers }: Head,
    connection: number,
  ): Promise<void> {
    const [method = "", target = ""] = firstLine.split(" ");
    const seen: SeenRequest = {
      ...{ method, target, headers, connection },
      ...{ bodyBytes: 0, status: undefined },
    };
    this.requests.push(seen);
    const body = resumable(received(reader, seen));
    const over = new AbortController();
    const abort = () => over.abort();
    client.once("close", abort);
    try {
      const request = { method, target, headers, body, signal: over.signal };
      const reply = await this.#pass(request, this.#rules);
      seen.status = reply.status;
      await writeReply(client, request, reply);
      await drain(body);
    } finally {
      client.off("close", abort);
      abort();
    }
  }

  async #pass(request: ProxiedRequest, rules: readonly Rule[]): Promise<ProxiedReply> {
    const [rule, ...rest] = rules;
    if (!rule) return await forward(request, this.#target);
    if (rule.leftTimes === 0 || !matches(rule, request)) return await this.#pass(request, rest);
    rule.leftTimes--;
    return await rule.fault(request, (changed) => this.#pass(changed, rest));
  }
}

/** Every exchange has a connection to the server of its own, which ends with it. */
async function forward(
  request: ProxiedRequest,
  target: { readonly host: string; readonly port: number },
): Promise<ProxiedReply> {
  request.signal.throwIfAborted();
  const server = connect({ ...target, noDelay: true });
  request.signal.addEventListener("abort", () => server.destroy(), { once: true });
  const reader = new MessageReader(server);
  const firstLine = `${request.method} ${request.target} HTTP/1.1`;
  const sent = writeMessage(server, firstLine, request).catch(() => server.destroy());
  let head = await reader.head();
  // Interim replies, such as 100 (Continue), are nothing that a client has to wait for.
  while (head && /^\S+ 1/.test(head.firstLine)) head = await reader.head();
  if (!head) throw new ConnectionEnd();
  const { headers } = head;
  const [, status, ...reason] = head.firstLine.split(" ");
  return { status: Number(status), reason: reason.join(" "), headers, body: body() };

  async function* body(): AsyncGenerator<Buffer> {
    if (hasBody(request.method, Number(status))) yield* reader.body(framing(headers) ?? Infinity);
    await sent;
  }
}

async function* received(reader: MessageReader, seen: SeenRequest): AsyncGenerator<Buffer> {
  for await (const piece of reader.body(framing(seen.headers) ?? 0)) {
    seen.bodyBytes += piece.length;
    yield piece;
  }
}

/** Whoever stops reading leaves the rest to the next one, instead of ending the generator. */
function resumable(pieces: AsyncGenerator<Buffer>): Body {
  return { [Symbol.asyncIterator]: () => ({ next: () => pieces.next() }) };
}

function matches({ match }: Rule, request: ProxiedRequest): boolean {
  if (typeof match === "function") return match(request);
  return `${request.method} ${request.target}`.search(match) !== -1;
}

/** Ends the connection if the client cannot know otherwise where the reply ends. */
async function writeReply(
  client: Socket,
  request: ProxiedRequest,
  { status, reason, headers, body }: ProxiedReply,
): Promise<void> {
  const isWhole = hasBody(request.method, status);
  const sent = { headers, body: isWhole ? body : undefined };
  await writeMessage(client, `HTTP/1.1 ${status} ${reason}`, sent);
  if (!isWhole) await drain(body);
  const connections = [request.headers, headers].map((lines) => headerValue(lines, "connection"));
  if (connections.some((value) => value?.toLowerCase() === "close")) throw new ConnectionEnd();
  if (isWhole && framing(headers) === undefined) throw new ConnectionEnd();
}

function hasBody(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}

function reset(socket: Socket): void {
  // To reset a socket that is shutting down keeps Node from ever ending: it waits for the handle, busily.
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
