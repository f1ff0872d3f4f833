import { decodeEnvelope } from "../../messaging/envelope.ts";
import { EventEncoder } from "../../messaging/event_encoder.ts";
import type { Message, PublishOptions } from "../../messaging/messaging.ts";

/** A message as a bus would hand it over. */
export function messageOf(payload: unknown, options: PublishOptions = {}): Message {
  const channel = "events:user";
  const { envelope } = new EventEncoder({ source: "/tests" }).encode(channel, payload, options);
  return decodeEnvelope(channel, new TextEncoder().encode(envelope));
}

/** What a handler is told, and how to have it stop. */
export function deliveryContext(): { signal: AbortSignal; abort: (reason: unknown) => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
}
