import { type Channel, type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { type Backoff, pauseMs } from "../../../core/backoff.ts";
import { settleWithin } from "../../../core/call_options.ts";
import type { Clock } from "../../../core/clock.ts";
import { MessagingError, type Outcome } from "../../../core/errors.ts";
import { interruptionError } from "../../interruption.ts";
import type { StreamCall } from "../../stream_driver.ts";
import type { AmqpAddress } from "./amqp_url.ts";
import { toConnectError, toMessagingError } from "./rabbitmq_error.ts";

/** How a {@linkcode RabbitMqConnection} behaves. */
export interface ConnectionSettings {
  /** What to connect to. */
  readonly address: AmqpAddress;
  /** Certificate authorities, as PEM. */
  readonly ca: string | undefined;
  /** How long one attempt to connect may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How often each side shows that it lives. */
  readonly heartbeatSeconds: number;
  /** Measures deadlines and pauses. */
  readonly clock: Clock;
}

/** With this bound, a server that is back is found again within 5 s. */
const RECONNECT_BACKOFF: Backoff = { baseMs: 50, maxMs: 2_000 };

/** How long a goodbye may take. */
const CLOSE_MS = 1_000;

const CONNECTING = "connect to RabbitMQ";

/**
 * A connection that replaces itself, with channels that do not: whoever has one hears of its end and opens
 * another. A server that is silent is noticed by its missing heartbeats.
 */
export class RabbitMqConnection {
  readonly #settings: ConnectionSettings;
  readonly #closing = new AbortController();
  #model: ChannelModel | undefined;
  /** The attempt that is under way. */
  #attempt: Promise<ChannelModel> | undefined;
  #failure: MessagingError | undefined;
  #isBlocked = false;

  private constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  /** Connects, or rejects with a {@linkcode MessagingError}. */
  static async open(settings: ConnectionSettings): Promise<RabbitMqConnection> {
    const connection = new RabbitMqConnection(settings);
    await connection.#connect();
    return connection;
  }

  /** Whether the server takes nothing that is published, because it is short of memory or disk. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Whether {@linkcode RabbitMqConnection.close} was called. */
  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** The version of the server; `undefined` while there is no connection. */
  get serverVersion(): string | undefined {
    return this.#model?.connection.serverProperties.version;
  }

  /**
   * Opens a channel. `onClosed` hears of its end, with the reply of the server if that was the reason. Without a
   * connection it rejects at once, but after the attempt that is under way.
   */
  async channel(call: StreamCall, onClosed: (error: unknown) => void = () => {}): Promise<Channel> {
    const model = await this.#usable(call);
    return this.#watched(model.createChannel(), call, onClosed);
  }

  /** The same for a channel on which the server confirms what is published. */
  async confirmChannel(
    call: StreamCall,
    onClosed: (error: unknown) => void,
  ): Promise<ConfirmChannel> {
    const model = await this.#usable(call);
    return this.#watched(model.createConfirmChannel(), call, onClosed);
  }

  /**
   * Runs steps on a channel of their own, because one that is refused closes its channel. They must be such that
   * nobody cares whether they were done when an answer is lost.
   */
  async withChannel<T>(call: StreamCall, use: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.channel(call);
    try {
      return await this.settle(use(channel), call, "not-applied");
    } finally {
      closeChannel(channel);
    }
  }

  /** Waits for what the client does, until the deadline or the signal of the call. */
  async settle<T>(promise: Promise<T>, call: StreamCall, outcome: Outcome): Promise<T> {
    const { operation, signal, timeoutMs } = call;
    try {
      return await settleWithin(
        promise,
        { signal, defaultTimeoutMs: timeoutMs, clock: this.#settings.clock },
        (interruption) =>
          interruptionError(operation, interruption, {
            reason: "the server has not answered",
            outcome,
          }),
      );
    } catch (error) {
      throw toMessagingError(error, { operation, outcome });
    }
  }

  /** Ends the connection, at once if the server does not answer. Never rejects. */
  async close(): Promise<void> {
    this.#closing.abort();
    const model = this.#model;
    this.#model = undefined;
    if (!model) return;
    const goodbye = { operation: "close", timeoutMs: CLOSE_MS };
    await this.settle(model.close(), goodbye, "unknown").catch(() => {});
    destroy(model);
  }

  async #usable({ operation, signal, timeoutMs }: StreamCall): Promise<ChannelModel> {
    if (this.#closing.signal.aborted) throw closedError(operation);
    if (this.#model) return this.#model;
    try {
      if (!this.#attempt) throw this.#failure;
      return await settleWithin(
        this.#attempt,
        { signal, defaultTimeoutMs: timeoutMs, clock: this.#settings.clock },
        (interruption) =>
          interruptionError(operation, interruption, {
            reason: "there is no connection to the server",
            outcome: "not-applied",
          }),
      );
    } catch (error) {
      if (error instanceof MessagingError && error.operation === operation) throw error;
      throw new MessagingError(`Cannot ${operation}: there is no connection to the server`, {
        code: this.#failure?.code ?? "unavailable",
        operation,
        retryable: true,
        cause: this.#failure,
      });
    }
  }

  async #watched<T extends Channel>(
    opening: Promise<T>,
    call: StreamCall,
    onClosed: (error: unknown) => void,
  ): Promise<T> {
    const watched = opening.then((channel) => {
      watch(channel, onClosed);
      return channel;
    });
    try {
      return await this.settle(watched, call, "not-applied");
    } catch (error) {
      watched.then(closeChannel, () => {});
      throw error;
    }
  }

  #connect(): Promise<ChannelModel> {
    const attempt = this.#open();
    this.#attempt = attempt;
    const over = (): void => void (this.#attempt = undefined);
    attempt.then(over, over);
    return attempt;
  }

  async #open(): Promise<ChannelModel> {
    const { address, connectTimeoutMs, clock } = this.#settings;
    const connecting = this.#dial();
    try {
      const model = await settleWithin(
        connecting,
        { signal: this.#closing.signal, defaultTimeoutMs: connectTimeoutMs, clock },
        (interruption) =>
          interruptionError(CONNECTING, interruption, {
            reason: "the server has not answered",
            outcome: "not-applied",
          }),
      );
      this.#model = model;
      this.#failure = undefined;
      return model;
    } catch (error) {
      connecting.then(destroy, () => {});
      this.#failure = toConnectError(error, CONNECTING, `${address.host}:${address.port}`);
      throw this.#failure;
    }
  }

  async #dial(): Promise<ChannelModel> {
    const { address, ca, connectTimeoutMs, heartbeatSeconds } = this.#settings;
    const { host, port, username, password, virtualHost, tls } = address;
    const model = await connect({
      protocol: tls ? "amqps" : "amqp",
      hostname: host,
      port,
      username,
      password,
      vhost: encodeURIComponent(virtualHost),
      heartbeat: heartbeatSeconds,
    }, { noDelay: true, timeout: connectTimeoutMs, ...(ca !== undefined && { ca }) });
    model.on("error", () => {
      // The end that follows is what counts; without a listener, the process would end.
    });
    model.on("handler-error", () => {});
    model.on("blocked", () => this.#isBlocked = true);
    model.on("unblocked", () => this.#isBlocked = false);
    model.on("close", () => this.#lost(model));
    return model;
  }

  #lost(model: ChannelModel): void {
    if (this.#model !== model) return;
    this.#model = undefined;
    this.#isBlocked = false;
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const { clock } = this.#settings;
    for (let attempt = 1; !this.#closing.signal.aborted; attempt++) {
      if (await this.#connect().then(() => true, () => false)) return;
      const delayMs = pauseMs(attempt, RECONNECT_BACKOFF);
      await new Promise<void>((resolve) => clock.after(delayMs, resolve, { background: true }));
    }
  }
}

/** Closes a channel, whatever state it is in, and waits for nothing. */
export function closeChannel(channel: Channel): void {
  channel.close().catch(() => {
    // It is closed already.
  });
}

/** The error of a call after the end. */
export function closedError(operation: string): MessagingError {
  return new MessagingError(`Cannot ${operation}: the bus is closed`, {
    code: "closed",
    operation,
  });
}

/** Nothing that a listener of ours throws may reach the client, which would close the channel for it. */
function watch(channel: Channel, onClosed: (error: unknown) => void): void {
  let reply: unknown;
  channel.on("error", (error) => reply = error);
  channel.on("handler-error", () => {});
  channel.on("close", () => onClosed(reply));
}

/** Ends the socket, too: the client only says goodbye, which a server that is gone never answers. */
function destroy({ connection }: ChannelModel): void {
  const { stream } = connection as { stream?: { destroy(error: Error): void } };
  stream?.destroy(new Error("the connection was given up"));
}
