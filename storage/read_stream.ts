import { interruptionError } from "./call.ts";
import { storageFailure, type StorageOperation } from "./failures.ts";
import type { Span } from "./range.ts";

/** How much is read at a time. */
const CHUNK_BYTES = 256 * 1024;

/** Bytes that can be read at any position. */
export interface ByteSource {
  /** Reads 1 to `length` bytes; none means that there are no more. */
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Called once, when nothing more will be read. */
  close(): Promise<void>;
}

/**
 * A stream over a span of a source. It reads one chunk when it is asked for one, closes the source
 * at its end, when it is cancelled and when it fails, and fails with code `corrupted` if the
 * source ends early. The first signal that fires ends it.
 */
export function readStream(
  operation: StorageOperation,
  source: ByteSource,
  span: Span,
  signals: readonly AbortSignal[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let position = span.start;
  let open = true;
  let abort = (): void => {};
  const finish = async (): Promise<void> => {
    if (!open) return;
    open = false;
    for (const signal of signals) signal.removeEventListener("abort", abort);
    await source.close();
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller): Promise<void> {
      abort = (): void => {
        controller.error(
          interruptionError(operation, { kind: "aborted", reason: undefined }),
        );
        finish().catch(() => {});
      };
      for (const signal of signals) signal.addEventListener("abort", abort, { once: true });
      if (signals.some((signal) => signal.aborted)) return abort();
      if (position === span.end) await finish().then(() => controller.close());
    },
    async pull(controller): Promise<void> {
      try {
        const length = Math.min(CHUNK_BYTES, span.end - position);
        const chunk = await source.read(position, length);
        if (!open) return;
        if (chunk.byteLength === 0) throw endsEarly(operation);
        position += chunk.byteLength;
        controller.enqueue(chunk);
        if (position === span.end) await finish().then(() => controller.close());
      } catch (error) {
        await finish();
        throw error;
      }
    },
    cancel: finish,
  }, { highWaterMark: 0 });
}

/** Reads a stream of exactly `size` bytes; fails with code `corrupted` if it has more or fewer. */
export async function collect(
  body: ReadableStream<Uint8Array>,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  const reader = body.getReader();
  let position = 0;
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    if (position + value.byteLength > size) {
      reader.cancel().catch(() => {});
      throw storageFailure("download", "it has too many bytes", { code: "corrupted" });
    }
    bytes.set(value, position);
    position += value.byteLength;
  }
  if (position < size) throw endsEarly("download");
  return bytes;
}

function endsEarly(operation: StorageOperation): Error {
  return storageFailure(operation, "its bytes end too early", { code: "corrupted" });
}
