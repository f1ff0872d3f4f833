import type { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { LoopbackListener } from "./loopback_listener.ts";
import type { ProxiedConnection, Toxic, ToxicState } from "./toxics.ts";

/**
 * A TCP proxy on 127.0.0.1 that harms what passes through it, like Toxiproxy, whose names its toxics
 * have (https://github.com/Shopify/toxiproxy), but without a binary.
 */
export class TcpProxy implements AsyncDisposable {
  readonly #listener = new LoopbackListener(
    { allowHalfOpen: true },
    (client) => this.#accept(client),
  );
  readonly #target: { readonly host: string; readonly port: number };
  readonly #toxics = new Set<Toxic>();
  readonly #connections = new Set<Connection>();

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  /** Starts a proxy on a free port. */
  static async start(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.up();
    return proxy;
  }

  /** The port on 127.0.0.1; the same after {@linkcode TcpProxy.down}. */
  get port(): number {
    return this.#listener.port;
  }

  /** The connections that are open now. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The given URL, leading through the proxy. */
  through(url: string): string {
    const changed = new URL(url);
    changed.hostname = "127.0.0.1";
    changed.port = String(this.#listener.port);
    return changed.href;
  }

  /** From now on, does this to all connections, open ones and new ones. */
  add(toxic: Toxic): void {
    this.#toxics.add(toxic);
  }

  /** Removes every toxic. Connections that swallowed data are reset, for they cannot be mended. */
  heal(): void {
    this.#toxics.clear();
    for (const connection of this.#connections) if (connection.silent) connection.reset();
  }

  /** Resets every open connection; new ones are served. */
  resetAll(): void {
    for (const connection of this.#connections) connection.reset();
  }

  /** Refuses new connections and resets the open ones, as a server that is down does. */
  async down(): Promise<void> {
    await this.#listener.down(() => this.resetAll());
  }

  /** Serves again after {@linkcode TcpProxy.down}, on the same port. */
  async up(): Promise<void> {
    await this.#listener.up();
  }

  /** Stops the proxy. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.down();
  }

  #accept(client: Socket): void {
    const server = connect({ ...this.#target, allowHalfOpen: true });
    const connection = new Connection(client, server, this.#toxics);
    this.#connections.add(connection);
    void connection.run().then(() => this.#connections.delete(connection));
  }
}

class Connection implements ProxiedConnection {
  readonly client: Socket;
  readonly server: Socket;
  silent = false;
  readonly #toxics: ReadonlySet<Toxic>;
  readonly #states = new Map<Toxic, ToxicState>();

  constructor(client: Socket, server: Socket, toxics: ReadonlySet<Toxic>) {
    this.client = client;
    this.server = server;
    this.#toxics = toxics;
  }

  reset(): void {
    for (const socket of [this.client, this.server]) {
      // To reset a socket that is shutting down keeps Node from ever ending: it waits for the handle, busily.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  /** Resolves when both directions have ended. */
  async run(): Promise<void> {
    const { client, server } = this;
    client.on("error", () => this.reset());
    server.on("error", () => this.reset());
    await Promise.all([
      this.#pump(client, server, "request"),
      this.#pump(server, client, "reply"),
    ]);
    // Both have said goodbye, which was swallowed: neither socket would ever be closed.
    if (this.silent) this.reset();
  }

  async #pump(from: Socket, to: Socket, direction: "request" | "reply"): Promise<void> {
    try {
      for await (const data of from) {
        const rest = await this.#harm(data, direction);
        if (rest.length > 0 && !to.destroyed) to.write(rest);
      }
      if (!this.silent) to.end();
    } catch {
      this.reset();
    }
  }

  async #harm(data: Buffer, direction: "request" | "reply"): Promise<Buffer> {
    let rest = data;
    for (const toxic of this.#toxics) {
      const state = this.#states.get(toxic) ?? toxic(this);
      this.#states.set(toxic, state);
      rest = await state(rest, direction);
    }
    return rest;
  }
}
