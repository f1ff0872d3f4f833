import { decodeEnvelope, encodeEnvelope } from "../../messaging/envelope.ts";
import type { Message, PublishOptions } from "../../messaging/messaging.ts";
import { completeAttributes } from "../../messaging/event_attributes.ts";

/** A message as a bus would hand it over. */
export function messageOf(payload: unknown, options: PublishOptions = {}): Message {
  const channel = "events:user";
  const event = { channel, payload, source: "/tests", time: new Date("2026-11-22T10:00:00Z") };
  return decodeEnvelope(channel, encodeEnvelope(completeAttributes(options, event), payload));
}

/** What a handler is told, and how to have it stop. */
export function deliveryContext(): { signal: AbortSignal; abort: (reason: unknown) => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
}
