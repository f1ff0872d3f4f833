import { connect } from "amqplib";
import { Buffer } from "node:buffer";
import { RabbitMqNames } from "../../messaging/adapters/rabbitmq/names.ts";
import type { StreamBus } from "../../messaging/streams.ts";
import { runName } from "./postgres.ts";

/** A connection of the package `amqplib`. */
export type RabbitMqClient = Awaited<ReturnType<typeof connect>>;

/** Connects, uses the connection, and closes it whatever happens. */
export async function withRabbitMq<T>(
  url: string,
  use: (client: RabbitMqClient) => Promise<T>,
): Promise<T> {
  // The error of `new URL` shows its input, and with it the password.
  if (!URL.canParse(url)) throw new Error("the URL is malformed");
  const client = await connect(url, { noDelay: true, timeout: 5_000 });
  client.on("error", () => {});
  try {
    return await use(client);
  } finally {
    await client.close().catch(() => {});
  }
}

/** Resolves when a server at `url` lets us in within five seconds. */
export async function probeRabbitMq(url: string): Promise<void> {
  await withRabbitMq(url, async (client) => {
    await (await client.createChannel()).prefetch(1);
  });
}

/** What one suite has on a server that others may use at the same time. */
export class RabbitMqPlace {
  /** The prefix of its names. */
  readonly prefix: string;
  /** Its names. */
  readonly names: RabbitMqNames;
  readonly #url: string;
  readonly #groups = new Map<string, Set<string>>();

  /** Creates a place on the server at `url`. Default of the prefix: one that nobody else has. */
  constructor(url: string, prefix: string = newPrefix()) {
    this.#url = url;
    this.prefix = prefix;
    this.names = new RabbitMqNames(prefix);
  }

  /** Notes that there may be a channel and a group on it, so that they can be removed. */
  note(channel: unknown, group?: unknown): void {
    const groups = this.#groups.get(String(channel)) ?? new Set();
    this.#groups.set(String(channel), groups);
    if (typeof group === "string") groups.add(group);
  }

  /** Notes what a bus makes: the protocol cannot list it. */
  watch<T extends StreamBus>(bus: T): T {
    const note = (channel: unknown, options?: unknown): void =>
      this.note(channel, (Object(options) as { group?: unknown }).group);
    const { publish, publishMany, subscribe, reader } = bus;
    return Object.assign(bus, {
      publish(...args: Parameters<typeof publish>) {
        note(args[0]);
        return publish.apply(bus, args);
      },
      publishMany(...args: Parameters<typeof publishMany>) {
        for (const channel of Array.isArray(args[0]) ? args[0] : []) note(channel);
        return publishMany.apply(bus, args);
      },
      subscribe(...args: Parameters<typeof subscribe>) {
        note(args[0], args[2]);
        return subscribe.apply(bus, args);
      },
      reader(...args: Parameters<typeof reader>) {
        note(args[0], args[1]);
        return reader.apply(bus, args);
      },
    });
  }

  /** Publishes bytes, whatever they are. */
  async publishRaw(channel: string, bytes: Uint8Array): Promise<void> {
    await withRabbitMq(this.#url, async (client) => {
      const confirming = await client.createConfirmChannel();
      confirming.publish(this.names.exchange(channel), "", Buffer.from(bytes), {
        persistent: true,
      });
      await confirming.waitForConfirms();
    });
  }

  /** Deletes what was made. */
  async clear(): Promise<void> {
    await withRabbitMq(this.#url, async (client) => {
      const deleting = await client.createChannel();
      deleting.on("error", () => {});
      for (const [channel, groups] of this.#groups) {
        for (const group of groups) {
          await deleting.deleteQueue(this.names.queue(channel, group));
          await deleting.deleteQueue(this.names.letters(channel, group));
        }
        await deleting.deleteExchange(this.names.exchange(channel));
      }
    });
  }
}

function newPrefix(): string {
  return `t-${runName()}-${crypto.randomUUID().slice(-12)}`;
}
