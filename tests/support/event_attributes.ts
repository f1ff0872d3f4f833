import type { EventAttributes } from "../../messaging/messaging.ts";

/** A W3C trace context. */
export const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** Attributes of an event that has all of them. */
export const ATTRIBUTES: EventAttributes = {
  id: "event-1",
  type: "Created",
  source: "/tests",
  time: "2026-11-22T10:00:00.000Z",
  correlationId: "request-1",
  partitionKey: "bench-1",
  traceparent: TRACEPARENT,
  tracestate: "vendor=1",
  headers: { tenant: "blue" },
};
