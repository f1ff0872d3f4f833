import type { Message } from "../messaging.ts";
import type { Middleware } from "./middleware.ts";

/** Where {@linkcode deduplicate} remembers what was handled. */
export interface HandledEvents {
  /** Whether an event was handled. */
  has(key: string): Promise<boolean> | boolean;
  /** Remembers that it was. */
  add(key: string): unknown;
}

/**
 * Leaves out events that were handled before. An event is remembered when its handler is done, so none is left
 * out that was not handled; one that comes twice at the same time, or whose process dies in between, is handled
 * twice. Where that must not be, use `processOnce` of the database, which remembers in the handler's transaction.
 *
 * The key of an event is its source and its id, which are unique together.
 */
export function deduplicate(handled: HandledEvents): Middleware {
  return (next) => async (message, context) => {
    const key = keyOf(message);
    if (await handled.has(key)) return;
    await next(message, context);
    await handled.add(key);
  };
}

/** No source has a space. */
function keyOf({ source, id }: Message): string {
  return `${encodeURI(source)} ${id}`;
}
