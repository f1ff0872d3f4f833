import type { z } from "zod";
import type { DeliveryContext, Message } from "../messaging.ts";
import type { Handler } from "./middleware.ts";

/**
 * Makes a handler of one that takes the payload as `schema` makes it:
 *
 * ```ts
 * import {
 *   benchmarkEventSchema,
 *   EventChannel,
 *   MemoryStreamBus,
 *   validated,
 * } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const bus = new MemoryStreamBus();
 * const handler = validated(benchmarkEventSchema, (event) => console.log(event.benchmarkId));
 * await bus.subscribe(EventChannel.BENCHMARK, handler, { group: "printer" });
 * ```
 *
 * Fails with a `SerializationError` that says which member does not fit, without its value.
 */
export function validated<T, Context extends DeliveryContext>(
  schema: z.ZodType<T>,
  handler: (payload: T, message: Message, context: Context) => unknown,
): Handler<Context> {
  return (message, context) => handler(message.deserialize(schema), message, context);
}
