import { Buffer } from "node:buffer";
import type { RedisChannel, RedisCommand } from "./channel.ts";
import type { NamedServer } from "./server_names.ts";
import type { HearingClient } from "./subscriber.ts";

/** What is used of a client for one server. */
export interface SingleLike extends HearingClient {
  readonly isReady: boolean;
  readonly options?: NamedServer;
  on(event: "error" | "end", listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
}

/** A channel to what the client is connected to. */
export function channelOf(client: SingleLike, destroy: () => void): RedisChannel {
  return {
    send: ({ args }) => client.sendCommand(words(args)),
    masters: () => Promise.resolve([(args) => client.sendCommand(args)]),
    destroy,
  };
}

/** The client refuses bytes that are no `Buffer`, and its connection is lost then. */
export function words(args: RedisCommand["args"]): RedisCommand["args"] {
  return args.some(isPlain) ? args.map((word) => isPlain(word) ? bufferOf(word) : word) : args;
}

function isPlain(word: string | Uint8Array): word is Uint8Array {
  return typeof word !== "string" && !Buffer.isBuffer(word);
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/**
 * Resolves when the client is connected and `prepare` is done; destroys it when that fails or the signal
 * aborts before.
 */
export async function connected<T = void>(
  client: Pick<SingleLike, "connect" | "destroy">,
  signal: AbortSignal,
  prepare?: () => Promise<T>,
): Promise<T> {
  const destroy = (): void => client.destroy();
  signal.addEventListener("abort", destroy, { once: true });
  try {
    await client.connect();
    signal.throwIfAborted();
    const prepared = await prepare?.();
    signal.throwIfAborted();
    return prepared as T;
  } catch (error) {
    client.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", destroy);
  }
}
