import { startSha256 } from "./digest.ts";
import { notIntact } from "./failures.ts";
import type { Span } from "./range.ts";

/**
 * Passes bytes on, those of the span, and computes the digest of them all. The last ones have to wait
 * for `atEnd`, so that whoever counts on a certain size never has it all if the digest is wrong.
 */
export function hashing(
  atEnd: (sha256: string) => void,
  { start, end }: Span = { start: 0, end: Infinity },
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const hash = startSha256();
  let position = 0;
  let held: Uint8Array<ArrayBuffer> | undefined;
  return new TransformStream({
    transform(chunk, controller): void {
      // What is not bytes is refused by the provider.
      if (!(chunk instanceof Uint8Array)) return controller.enqueue(chunk);
      hash.update(chunk);
      const wanted = chunk.subarray(Math.max(0, start - position), Math.max(0, end - position));
      position += chunk.byteLength;
      if (wanted.byteLength === 0) return;
      if (held !== undefined) controller.enqueue(held);
      held = wanted;
    },
    flush(controller): void {
      atEnd(hash.hex());
      if (held !== undefined) controller.enqueue(held);
    },
  });
}

/** Throws an `IntegrityError` unless the digests are the same. */
export function requireDigest(
  operation: "upload" | "download",
  actual: string,
  expected: string,
): void {
  if (actual !== expected) throw notIntact(operation, "its SHA-256 is not the expected one");
}
