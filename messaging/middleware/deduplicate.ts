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
 *
 * ```ts
 * import { MemoryCacheProvider } from "@benchmark-exchange/infrastructure/cache";
 * import { deduplicate } from "@benchmark-exchange/infrastructure/messaging";
 * import { sha256Hex } from "@benchmark-exchange/infrastructure/storage";
 *
 * const cache = new MemoryCacheProvider({ defaultTtlMs: 86_400_000 });
 * const once = deduplicate({
 *   // The key has a space, which a key of a cache cannot have.
 *   has: (key) => cache.exists(`handled:${sha256Hex(key)}`),
 *   add: (key) => cache.set(`handled:${sha256Hex(key)}`, true),
 * });
 * // For `subscribe`: no second mail about an event within a day.
 * const handler = once((message) => console.log("mail", message.id));
 * ```
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
