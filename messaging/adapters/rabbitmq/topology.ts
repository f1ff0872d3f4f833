import type { Channel } from "amqplib";
import { MessagingError } from "../../../core/errors.ts";
import type { StreamCall } from "../../stream_driver.ts";
import type { RabbitMqConnection } from "./connection.ts";
import type { RabbitMqNames } from "./names.ts";
import type { RabbitMqTurns } from "./turns.ts";

/**
 * Above this many deliveries a server drops a message in silence, and since version 4 its own limit is 20. The
 * consumer loop counts for itself, so this limit is out of reach. With one, what was given back comes first
 * again; without, it goes to the end of the queue.
 */
const DELIVERY_LIMIT = 1_000_000_000;

/** Replicated and on disk before it is confirmed. */
const QUORUM_QUEUE = {
  durable: true,
  arguments: { "x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT },
};

/** Declares the exchange of a channel; does nothing where it exists. */
export async function declareExchange(channel: Channel, exchange: string): Promise<void> {
  await channel.assertExchange(exchange, "fanout", { durable: true });
}

/** A group of a channel. */
export interface GroupPlace {
  /** The channel. */
  readonly channel: string;
  /** The group. */
  readonly group: string;
}

/** Makes groups, and sees whether they are there. */
export class RabbitMqTopology {
  readonly #connection: RabbitMqConnection;
  readonly #turns: RabbitMqTurns;
  readonly #names: RabbitMqNames;

  /** Creates one for the server that is connected to. */
  constructor(connection: RabbitMqConnection, turns: RabbitMqTurns, names: RabbitMqNames) {
    this.#connection = connection;
    this.#turns = turns;
    this.#names = names;
  }

  /**
   * Sees to it that there are the queue of a group and that of its dead letters. Servers break connections that
   * declare the same quorum queue at the same time, so one does it after the other.
   */
  async declareQueues({ channel, group }: GroupPlace, step: () => StreamCall): Promise<void> {
    const queues = [this.#names.letters(channel, group), this.#names.queue(channel, group)];
    const missing: string[] = [];
    for (const queue of queues) {
      if (await this.count(queue, step()) === undefined) missing.push(queue);
    }
    if (missing.length === 0) return;
    await this.#turns.take(this.#names.turn(channel, group), step(), async (step) => {
      for (const queue of missing) {
        await this.#connection.withChannel(step(), (one) => declareQueue(one, queue));
      }
    });
  }

  /** Has the queue of a group, if it is one of ours, get what is published to the channel. */
  async bind(one: Channel, { channel, group }: GroupPlace): Promise<void> {
    const exchange = this.#names.exchange(channel);
    const queue = this.#names.queue(channel, group);
    await declareExchange(one, exchange);
    await declareQueue(one, this.#names.letters(channel, group));
    await declareQueue(one, queue);
    await one.bindQueue(queue, exchange, "");
  }

  /** How many messages wait in a queue; `undefined` if there is no such queue. */
  async count(queue: string, call: StreamCall): Promise<number | undefined> {
    try {
      const look = this.#connection.withChannel(call, (channel) => channel.checkQueue(queue));
      return (await look).messageCount;
    } catch (error) {
      if (error instanceof MessagingError && error.code === "not_found") return undefined;
      throw error;
    }
  }
}

/** Declares a queue of ours; does nothing where it exists, and rejects where it is another one. */
export async function declareQueue(channel: Channel, queue: string): Promise<void> {
  await channel.assertQueue(queue, QUORUM_QUEUE);
}
