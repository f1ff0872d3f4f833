/**
 * Events between the parts of the exchange: what is published and received, at most once
 * (`EventBus`) and at least once (`StreamBus`), and the buses inside one process.
 *
 * @module
 */

export * from "../domain/events.ts";
export * from "./adapters/memory.ts";
export * from "./adapters/memory_streams.ts";
export * from "./change_event.ts";
export * from "./envelope.ts";
export * from "./event_channel.ts";
export * from "./message_iterator.ts";
export * from "./messaging.ts";
export * from "./middleware/dead_letter.ts";
export * from "./middleware/deduplicate.ts";
export * from "./middleware/middleware.ts";
export * from "./middleware/retry.ts";
export * from "./middleware/timeout.ts";
export * from "./middleware/tracing.ts";
export * from "./middleware/validated.ts";
export * from "./streams.ts";
export * from "./undecodable_message_error.ts";
