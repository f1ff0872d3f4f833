import type { DeliveryContext, Message } from "../messaging.ts";

/** A handler of messages, of an event bus or of a stream bus. */
export type Handler<Context extends DeliveryContext> = (
  message: Message,
  context: Context,
) => unknown;

/** Makes of a handler one that does something more. */
export type Middleware = <Context extends DeliveryContext>(
  next: Handler<Context>,
) => Handler<Context>;

/**
 * Puts middleware around a handler, the first outermost:
 *
 * ```ts
 * import {
 *   MemoryStreamBus,
 *   retry,
 *   timeout,
 *   withMiddleware,
 * } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const bus = new MemoryStreamBus();
 * const handler = withMiddleware(
 *   (message) => fetch("https://example.org/hook", { method: "POST", body: message.payload }),
 *   retry({ attempts: 3 }),
 *   timeout(2_000),
 * );
 * await bus.subscribe("events:user", handler, { group: "hooks" });
 * ```
 */
export function withMiddleware<Context extends DeliveryContext>(
  handler: Handler<Context>,
  ...middleware: readonly Middleware[]
): Handler<Context> {
  return middleware.reduceRight<Handler<Context>>((next, wrap) => wrap(next), handler);
}
