import type { Channel } from "amqplib";
import type { RabbitMqNames } from "./names.ts";

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

/** Declares a group: its queue, which gets what the channel's exchange does, and the queue of its dead letters. */
export async function declareGroup(
  channel: Channel,
  names: RabbitMqNames,
  { channel: name, group }: { readonly channel: string; readonly group: string },
): Promise<void> {
  const [exchange, queue] = [names.exchange(name), names.queue(name, group)];
  await declareExchange(channel, exchange);
  await declareQueue(channel, names.letters(name, group));
  await declareQueue(channel, queue);
  await channel.bindQueue(queue, exchange, "");
}

/** Declares a queue; does nothing where it exists. */
export async function declareQueue(channel: Channel, queue: string): Promise<void> {
  await channel.assertQueue(queue, QUORUM_QUEUE);
}
