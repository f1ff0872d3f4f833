import { ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";
import { textFlaw } from "../core/validation.ts";
import { startSha256 } from "./digest.ts";
import { operationName, sourceFailed } from "./failures.ts";
import type { StorageBody } from "./storage.ts";

/** Throws a `ValidationError` unless a body can be read from `data`. */
export function checkBody(data: unknown): void {
  if (typeof data === "string") {
    if (textFlaw(data) === "contains a lone surrogate") {
      throw wrongBody("it contains a lone surrogate, which UTF-8 cannot express");
    }
  } else if (data instanceof ReadableStream) {
    if (data.locked) throw wrongBody("its stream is locked to another reader");
  } else if (!(data instanceof Uint8Array || data instanceof Blob)) {
    throw wrongBody(`it must be a string, bytes, a Blob or a web stream, got ${kindOf(data)}`);
  }
}

/** The size of a body in bytes; `undefined` for a stream. */
export function bodySize(data: StorageBody): number | undefined {
  if (data instanceof Uint8Array) return data.byteLength;
  if (data instanceof Blob) return data.size;
  return typeof data === "string" ? new TextEncoder().encode(data).byteLength : undefined;
}

/** The body as a stream of its bytes. */
export function bodyStream(data: StorageBody): ReadableStream<Uint8Array> {
  if (data instanceof ReadableStream) return data;
  return data instanceof Blob ? data.stream() : new Blob([data as BlobPart]).stream();
}

/**
 * Reads a body chunk by chunk, no chunk empty. Fails when the source fails, when `signal` fires
 * (with its reason), and when the body has another size than `size`. However the reading ends, a
 * stream is at its end or cancelled.
 */
export async function* readBody(
  data: StorageBody,
  options: { readonly size?: number | undefined; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const { size, signal } = options;
  let read = 0;
  for await (const chunk of readChunks(data, signal)) {
    read += chunk.byteLength;
    if (size !== undefined && read > size) throw wrongSize(size, "more");
    if (chunk.byteLength > 0) yield chunk;
  }
  if (size !== undefined && read < size) throw wrongSize(size, read);
}

/** Reads a body to its end for its digest and its size; fails like {@linkcode readBody}. */
export async function digestBody(
  data: StorageBody,
  options: { readonly size?: number | undefined; readonly signal: AbortSignal },
): Promise<{ readonly sha256: string; readonly size: number }> {
  const hash = startSha256();
  let size = 0;
  for await (const chunk of readBody(data, options)) {
    hash.update(chunk);
    size += chunk.byteLength;
  }
  return { sha256: hash.hex(), size };
}

/** The same chunks; each is reported when the next one is asked for, as stored with all before it. */
export async function* reportChunks(
  chunks: AsyncIterable<Uint8Array>,
  progress: (storedBytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let storedBytes = 0;
  for await (const chunk of chunks) {
    yield chunk;
    storedBytes += chunk.byteLength;
    progress(storedBytes);
  }
}

/** Waits for an upload; when it fails before it has read the stream, the stream is cancelled. */
export async function orCancel<T>(data: StorageBody, upload: Promise<T>): Promise<T> {
  try {
    return await upload;
  } catch (error) {
    if (data instanceof ReadableStream && !data.locked) data.cancel(error).catch(() => {});
    throw error;
  }
}

async function* readChunks(data: StorageBody, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  if (typeof data === "string") return yield new TextEncoder().encode(data);
  if (data instanceof Uint8Array) return yield data;
  const reader = bodyStream(data).getReader();
  // A cancelled stream is at its end at once, so no read outlives the signal.
  const cancel = (): void => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    while (true) {
      const { done, value } = await reader.read().catch((error) => {
        throw sourceFailed(error);
      });
      signal.throwIfAborted();
      if (done) return;
      if (!(value instanceof Uint8Array)) {
        throw wrongBody(`its stream must give Uint8Array chunks, got ${kindOf(value)}`);
      }
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

function wrongSize(size: number, got: number | string): ValidationError {
  return wrongBody(`it must have the declared size of ${size} bytes, got ${got}`);
}

function wrongBody(why: string): ValidationError {
  return new ValidationError("data", why, operationName("upload"));
}
