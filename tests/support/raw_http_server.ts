import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { until } from "./until.ts";

/** A request that arrived, whole. */
export interface ArrivedRequest {
  /** The method. */
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** The headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body. */
  readonly body: Uint8Array;
  /** Which connection it came on, counted from 1. */
  readonly connection: number;
}

/** Answers a request by writing to the socket. */
export type RawAnswer = (socket: Socket, request: ArrivedRequest) => void;

/** An HTTP server on 127.0.0.1 that says exactly what a test writes, right or wrong. */
export class RawHttpServer implements AsyncDisposable {
  /** Every request that arrived, in order. */
  readonly requests: ArrivedRequest[] = [];
  readonly #server: Server;
  readonly #answer: RawAnswer;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  private constructor(answer: RawAnswer) {
    this.#answer = answer;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Starts a server on a free port. */
  static async start(answer: RawAnswer): Promise<RawHttpServer> {
    const server = new RawHttpServer(answer);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  /** The URL, without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many connections are open. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Lets requests be sent until one comes on the first connection, which may come free a moment late. */
  async firstIsUsedAgain(send: () => Promise<unknown>): Promise<void> {
    await until("the first connection is used again", async () => {
      await send();
      return this.requests.at(-1)?.connection === 1;
    });
  }

  /** Closes every connection, as a server does that has waited for long enough. */
  closeConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Stops the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.closeConnections();
    await closed;
  }

  #accept(socket: Socket): void {
    const connection = ++this.#connections;
    let received: Buffer = Buffer.alloc(0);
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.destroy());
    socket.on("data", (data) => {
      received = Buffer.concat([received, data]);
      const request = parseRequest(received, connection);
      if (!request) return;
      received = Buffer.alloc(0);
      this.requests.push(request);
      this.#answer(socket, request);
    });
  }
}

/** An answer with its length and any other headers. */
export function answerOf(
  body: string,
  { status = 200, headers = {} }: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string | number>>;
  } = {},
): string {
  const all = { "content-length": Buffer.byteLength(body), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n${body}`;
}

/** The request, if all of it is there; clients of this server wait for an answer before they send another. */
function parseRequest(received: Buffer, connection: number): ArrivedRequest | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = received.subarray(0, end).toString("latin1").split("\r\n");
  const [method = "", target = ""] = first.split(" ");
  const headers = Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const body = received.subarray(end + 4);
  if (body.byteLength < Number(headers["content-length"] ?? 0)) return undefined;
  return { method, target, headers, body: new Uint8Array(body), connection };
}
