import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { HttpProxy } from "./http_proxy.ts";

/** The body of the replies of {@linkcode withHttpProxy}. */
export const REPLY = "0123456789";

/** Headers of a request that is the last one on its connection. */
export const CLOSE: readonly string[] = ["Host: x", "Connection: close"];

/** A client that tells what happens to its connection. */
export interface Client {
  readonly socket: Socket;
  /** How the connection ends: `closed`, or the code of an error. */
  readonly end: Promise<string>;
  received(): string;
}

/** Connects and sends this. */
export async function dial(proxy: HttpProxy, messages: readonly string[]): Promise<Client> {
  const port = Number(new URL(proxy.url).port);
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const pieces: Buffer[] = [];
  socket.on("data", (piece) => pieces.push(Buffer.from(piece)));
  const end = new Promise<string>((resolve) => {
    socket.once("error", (error: Error & { code?: string }) => resolve(error.code ?? "error"));
    socket.once("end", () => resolve("closed"));
  });
  await once(socket, "connect");
  for (const message of messages) socket.write(message);
  return { socket, end, received: () => Buffer.concat(pieces).toString() };
}

/** What has come back. */
export interface Reply {
  readonly status: number;
  /** The status line and the headers. */
  readonly head: string;
  /** The rest, with its framing. */
  readonly body: string;
  /** How the connection has ended: `closed`, or the code of an error. */
  readonly end: string;
}

/** Sends a request on a connection of its own and returns what comes back until that ends. */
export async function ask(
  proxy: HttpProxy,
  line: string,
  body = "",
  headers: readonly string[] = CLOSE,
): Promise<Reply> {
  const length = `Content-Length: ${body.length}`;
  const lines = [`${line} HTTP/1.1`, ...headers, length, "", body];
  const client = await dial(proxy, [lines.join("\r\n")]);
  const end = await client.end;
  client.socket.destroy();
  const [head = "", ...rest] = client.received().split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), head, body: rest.join("\r\n\r\n"), end };
}

type Respond = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Runs a test with a proxy in front of a server that notes what it sees as `PUT /target body`, and
 * replies, to paths with `empty` or `chunked` accordingly.
 */
export async function withHttpProxy(
  run: (proxy: HttpProxy, seen: string[]) => Promise<void>,
  respond?: Respond,
): Promise<void> {
  const seen: string[] = [];
  const server = createServer(respond ?? ((request, response) => reply(request, response, seen)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const proxy = await HttpProxy.start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    await run(proxy, seen);
  } finally {
    await proxy[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  }
}

async function reply(
  request: IncomingMessage,
  response: ServerResponse,
  seen: string[],
): Promise<void> {
  const { method, url = "", headers } = request;
  seen.push(`${method} ${url} ${Buffer.concat(await Array.fromAsync(request))}`);
  response.setHeader("seen-host", headers.host ?? "");
  response.setHeader("seen-condition", headers["if-none-match"] ?? "");
  response.setHeader("etag", '"old"');
  if (url.includes("empty")) return void response.writeHead(204).end();
  if (!url.includes("chunked")) response.setHeader("content-length", REPLY.length);
  response.write(REPLY.slice(0, 5));
  response.end(REPLY.slice(5));
}
