import { once } from "node:events";
import {
  type AddressInfo,
  createServer,
  type Server,
  type ServerOpts,
  type Socket,
} from "node:net";

/** Listens on a loopback port, which stays the same when it goes down and up again. */
export class LoopbackListener {
  readonly #options: ServerOpts;
  readonly #accept: (client: Socket) => void;
  #server: Server | undefined;
  #port = 0;

  constructor(options: ServerOpts, accept: (client: Socket) => void) {
    this.#options = options;
    this.#accept = accept;
  }

  /** Where it listens, or did. */
  get port(): number {
    return this.#port;
  }

  /** Takes connections. */
  async up(): Promise<void> {
    this.#server = createServer(this.#options, this.#accept);
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Refuses connections; resolves when those that are open have ended, which is what `endAll` is for. */
  async down(endAll: () => void): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    endAll();
    await closed;
  }
}
