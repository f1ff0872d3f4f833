import { deathOf } from "../dead_letter.ts";
import type { EventPublisher } from "../messaging.ts";
import type { Middleware } from "./middleware.ts";

/**
 * Publishes messages whose handler fails to another channel, where they can be looked into, and lets the handler
 * count as done: for an `EventBus`, which has no dead letters of its own, or to choose where they go. The event
 * keeps its id and its attributes; the headers `deadchannel` and `deaderror` say where it comes from and what went
 * wrong. If it cannot be published, the handler fails with its own error.
 *
 * ```ts
 * import { deadLetter, MemoryEventBus } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const bus = new MemoryEventBus();
 * const score = () => Promise.reject(new Error("no such model"));
 * await bus.subscribe("events:submission", deadLetter(bus, "dead:submission")(score));
 * const { promise, resolve } = Promise.withResolvers<unknown>();
 * await bus.subscribe("dead:submission", ({ headers }) => resolve(headers));
 * await bus.publish("events:submission", { submissionId: "s-1" });
 * console.log(await promise);
 * // { deadchannel: "events:submission", deaderror: "Error: no such model" }
 * await bus.close();
 * ```
 */
export function deadLetter(publisher: EventPublisher, channel: string): Middleware {
  return (next) => async (message, context) => {
    try {
      return await next(message, context);
    } catch (error) {
      const { id, type, source, time, correlationId, partitionKey, traceparent, tracestate } =
        message;
      const { error: text } = deathOf("handler_failed", error, 1);
      const headers = { ...message.headers, deadchannel: message.channel, deaderror: ascii(text) };
      const attributes = { id, type, source, time, correlationId, partitionKey, traceparent };
      await publisher.publish(channel, JSON.parse(message.payload), {
        ...attributes,
        tracestate,
        headers,
      }).catch(() => {
        throw error;
      });
    }
  };
}

/** What every broker can carry as a header. */
function ascii(text: string): string {
  return text.slice(0, 500).replace(/[^\x20-\x7e]/g, "?") || "?";
}
