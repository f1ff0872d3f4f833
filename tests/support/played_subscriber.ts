import type { MessageListener } from "../../core/redis/subscriber.ts";
import { SubscriberConnection } from "../../core/redis/subscriber_connection.ts";
import { CACHE_AREA } from "../../cache/adapters/redis/cache_area.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

/** A connection that was made, and what the test does with it. */
export class Made {
  readonly signal: AbortSignal;
  readonly onBroken: (error: unknown) => void;
  /** What was asked for, in order. */
  readonly asked: string[] = [];
  readonly listeners = new Map<string, MessageListener>();
  pings = 0;
  destroyed = false;
  /** Settles the pings; they hang while it is missing. */
  answer?: () => Promise<unknown>;

  constructor(signal: AbortSignal, onBroken: (error: unknown) => void) {
    this.signal = signal;
    this.onBroken = onBroken;
  }

  /** Sends a message to a channel. */
  say(text: string, name = "channel channel"): void {
    this.listeners.get(name)?.(name.split(" ")[1] ?? "", new TextEncoder().encode(text));
  }
}

/** A server that the test plays. */
export class Server {
  readonly clock = new ManualClock();
  readonly made: Made[] = [];
  readonly heard: string[] = [];
  readonly counts: string[] = [];
  gaps = 0;
  /** How attempts to connect end; they hang while it is missing. */
  accept?: () => Promise<void>;
  /** How a subscription ends. */
  confirm: (name: string, made: Made) => Promise<void> = () => Promise.resolve();

  /** Connects and subscribes to the channel. */
  async connect(): Promise<SubscriberConnection> {
    const connection = await this.open();
    await this.add(connection);
    return connection;
  }

  open(): Promise<SubscriberConnection> {
    const gap = (): void => {
      this.gaps++;
      this.heard.push("gap");
    };
    return SubscriberConnection.open({
      area: CACHE_AREA,
      open: async (signal, onBroken) => {
        const made = new Made(signal, onBroken);
        this.made.push(made);
        await (this.accept?.() ?? new Promise(() => {}));
        return {
          add: async (kind, name, listener) => {
            made.asked.push(`+${kind} ${name}`);
            await this.confirm(name, made);
            made.listeners.set(`${kind} ${name}`, listener);
          },
          remove: (kind, name) => {
            made.asked.push(`-${kind} ${name}`);
            made.listeners.delete(`${kind} ${name}`);
            return Promise.resolve();
          },
          ping: () => {
            made.pings++;
            return made.answer?.() ?? new Promise(() => {});
          },
          destroy: () => {
            made.destroyed = true;
          },
        };
      },
      onLost: gap,
      onRestored: gap,
      connectTimeoutMs: 2_000,
      clock: this.clock,
      observer: { log: () => {}, count: (name) => this.counts.push(name), duration: () => {} },
    });
  }

  add(
    connection: SubscriberConnection,
    kind: "channel" | "pattern" = "channel",
    name = "channel",
  ): Promise<void> {
    const listener: MessageListener = (_, bytes) => {
      this.heard.push(new TextDecoder().decode(bytes));
    };
    return connection.add(kind, name, listener);
  }
}

/** A server that accepts. */
export function open(): Server {
  const server = new Server();
  server.accept = () => Promise.resolve();
  return server;
}

/** Lets what is settled have its effects. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
