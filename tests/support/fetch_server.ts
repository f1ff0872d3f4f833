import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An HTTP server on 127.0.0.1 that answers by a fetch handler, the same on every runtime. */
export class FetchServer implements AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:41234/`. */
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    this.#server = server;
  }

  /** Starts a server on a free port. */
  static async start(handle: (request: Request) => Promise<Response>): Promise<FetchServer> {
    const server = createServer((incoming, outgoing) => {
      void answer(handle, incoming, outgoing).catch((error) => outgoing.destroy(error));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FetchServer(server);
  }

  /** Stops the server, whoever is connected. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(
  handle: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const over = new Promise<void>((resolve) => outgoing.once("close", resolve));
  const { status, headers, body } = await handle(toRequest(incoming));
  const reader = body?.getReader();
  // As servers do: a body that nobody waits for any more is cancelled.
  void over.then(() => reader?.cancel());
  outgoing.writeHead(status, Object.fromEntries(headers));
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!outgoing.write(value)) await Promise.race([once(outgoing, "drain"), over]);
  }
  outgoing.end();
}

function toRequest(incoming: IncomingMessage): Request {
  const { method = "GET", url = "/", rawHeaders, headers: { host } } = incoming;
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  }
  const init = { method, headers };
  const hasBody = method !== "GET" && method !== "HEAD";
  // Node wants `duplex` with a stream; the types do not know it.
  const body = hasBody ? { body: bodyOf(incoming), duplex: "half" } : {};
  return new Request(`http://${host}${url}`, { ...init, ...body });
}

/** The body of a request; what is left of it when it is cancelled is thrown away, so that it can be answered. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = incoming.iterator({ destroyOnReturn: false });
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel: () => void incoming.resume(),
  }, { highWaterMark: 0 });
}
