import type { ConsumerInfo } from "@nats-io/jetstream";
import type { DeliveryInfo } from "./delivery.ts";
import type { ChannelNames } from "./names.ts";
import { isMissing } from "./nats_error.ts";
import type { NatsCall, NatsServer } from "./server.ts";

/**
 * Finds what a stream removed, by its limits or by hand, before the group was given it: the next delivery of the
 * consumer then is not of the next record. Only the reader that also knows the delivery before counts it, so that it
 * is told once.
 */
export class GapFinder {
  readonly #server: NatsServer;
  readonly #names: ChannelNames;
  #created = "";
  #delivery = 0;
  #sequence = 0;

  /** Begins where a consumer is. */
  constructor(server: NatsServer, names: ChannelNames, consumer: ConsumerInfo) {
    this.#server = server;
    this.#names = names;
    this.reset(consumer);
  }

  /** Begins anew where a consumer is. */
  reset({ created, delivered }: ConsumerInfo): void {
    this.#created = created;
    this.#delivery = delivered.consumer_seq;
    this.#sequence = delivered.stream_seq;
  }

  /** How many records are missing before and among these deliveries. */
  async count(deliveries: readonly DeliveryInfo[], call: NatsCall): Promise<number> {
    let lost = 0;
    for (const one of deliveries) {
      const isNext = one.delivery === this.#delivery + 1;
      const isNew = one.attempt === 1;
      if (isNext && isNew && one.sequence > this.#sequence + 1) {
        const gap = one.sequence - 1 - this.#sequence;
        // Who has taken something returns it: when the server fails now, the gap may be told twice.
        lost += await this.#missing(one, call).catch(() => gap);
      }
      this.#delivery = one.delivery;
      if (isNew) this.#sequence = one.sequence;
    }
    return lost;
  }

  async #missing(next: DeliveryInfo, call: NatsCall): Promise<number> {
    const { stream, desk, trimmed } = this.#names;
    const consumer = await this.#server.run(
      call,
      "not-applied",
      ({ jsm }) => jsm.consumers.info(stream, next.consumer),
    );
    // Another consumer of the same name, which begins elsewhere.
    if (consumer.created !== this.#created) {
      this.#created = consumer.created;
      return 0;
    }
    // What was trimmed by force, the group is told of by that.
    const told = await this.#server.run(
      call,
      "not-applied",
      ({ jsm }) =>
        jsm.streams.getMessage(desk, { last_by_subj: trimmed }).catch((error) => {
          if (isMissing(error)) return null;
          throw error;
        }),
    );
    const toldTo = told ? Number(told.string()) : 0;
    return Math.max(0, next.sequence - 1 - Math.max(this.#sequence, toldTo));
  }
}
