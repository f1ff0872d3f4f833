import type { Attributes } from "../../core/observer.ts";
import type { DeliveryContext, Message, PublishOptions } from "../messaging.ts";
import type { Middleware } from "./middleware.ts";

/** A span as {@linkcode tracing} uses it. */
export interface HandlerSpan {
  /** Calls `fn` with the span as the current one, and returns what it returns. */
  run<T>(fn: () => T): T;
  /** Ends the span; with an error if the handler failed. */
  end(error?: unknown): void;
}

/**
 * Starts a span whose parent, or link, is the trace context of the message. The attributes are named by the
 * semantic conventions of OpenTelemetry for messaging.
 */
export type StartSpan = (
  name: string,
  parent: Pick<Message, "traceparent" | "tracestate">,
  attributes: Attributes,
) => HandlerSpan;

/**
 * Puts a span around each call of a handler. What `startSpan` throws fails no handler: it goes on without one.
 *
 * ```ts
 * import { MemoryEventBus, tracing } from "@benchmark-exchange/infrastructure/messaging";
 *
 * // With OpenTelemetry: a span of the tracer, and `context.with` in `run`.
 * const traced = tracing((name, { traceparent }) => ({
 *   run: (fn) => fn(),
 *   end: (error) => console.log(name, traceparent, error ? "failed" : "done"),
 * }));
 * const bus = new MemoryEventBus();
 * await bus.subscribe("events:user", traced(() => {}));
 * const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
 * await bus.publish("events:user", {}, { traceparent }); // process events:user 00-4bf… done
 * await bus.close();
 * ```
 */
export function tracing(startSpan: StartSpan): Middleware {
  return (next) => async (message, context) => {
    const span = start(startSpan, message, context);
    try {
      const result = await (span ? span.run(() => next(message, context)) : next(message, context));
      end(span);
      return result;
    } catch (error) {
      end(span, error);
      throw error;
    }
  };
}

/**
 * What an event that is published because of `message` takes from it, so that both belong together.
 *
 * ```ts
 * import { causedBy, MemoryEventBus } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const bus = new MemoryEventBus();
 * await bus.subscribe("events:submission", async (message) => {
 *   await bus.publish("events:leaderboard", { place: 1 }, causedBy(message));
 * });
 * const { promise, resolve } = Promise.withResolvers<string | undefined>();
 * await bus.subscribe("events:leaderboard", (message) => resolve(message.correlationId));
 * await bus.publish("events:submission", { score: 0.9 }, { id: "e-1" });
 * console.log(await promise); // "e-1"
 * await bus.close();
 * ```
 */
export function causedBy(
  message: Message,
): Pick<PublishOptions, "correlationId" | "traceparent" | "tracestate"> {
  const { correlationId = message.id, traceparent, tracestate } = message;
  return { correlationId, traceparent, tracestate };
}

function start(
  startSpan: StartSpan,
  message: Message,
  context: DeliveryContext,
): HandlerSpan | undefined {
  const { attempt } = context as { readonly attempt?: number };
  try {
    return startSpan(`process ${message.channel}`, message, {
      "messaging.operation.type": "process",
      "messaging.destination.name": message.channel,
      "messaging.message.id": message.id,
      ...(message.correlationId && { "messaging.message.conversation_id": message.correlationId }),
      ...(attempt && { "messaging.message.delivery_attempt": attempt }),
    });
  } catch {
    return undefined;
  }
}

function end(span: HandlerSpan | undefined, error?: unknown): void {
  try {
    span?.end(error);
  } catch {
    // The handler is done, whatever its span is.
  }
}
