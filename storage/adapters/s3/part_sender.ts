import { ValidationError } from "../../../core/errors.ts";
import type { StorageCall } from "../../call.ts";
import { operationName } from "../../failures.ts";
import { MAX_PARTS, type MultipartUpload } from "./multipart_upload.ts";
import type { FilledPart, PartReader } from "./part_reader.ts";

/** How {@linkcode sendParts} sends. */
export interface PartSending {
  /** The first part, which was read already. */
  readonly first: Uint8Array;
  /** The size of all parts but the last. */
  readonly partBytes: number;
  /** How many parts are in memory and under way at once. */
  readonly concurrency: number;
  /** Hears how many bytes the server has. */
  readonly progress: (storedBytes: number) => void;
}

/**
 * Sends all parts of an upload, and resolves with the size of them all. Each of those that are under way at
 * once has one buffer for all its parts. Rejects with the first failure, once no part is under way any more.
 */
export async function sendParts(
  call: StorageCall,
  upload: MultipartUpload,
  parts: PartReader,
  { first, partBytes, concurrency, progress }: PartSending,
): Promise<number> {
  call.signal.throwIfAborted();
  const stop = new AbortController();
  const abort = (): void => stop.abort(call.signal.reason);
  call.signal.addEventListener("abort", abort, { once: true });
  const underWay = new Set<Promise<void>>();
  let sentBytes = 0;
  const send = async ({ number, bytes }: FilledPart): Promise<void> => {
    if (number > MAX_PARTS) throw tooManyParts();
    const sending = upload.sendPart(call, stop.signal, number, bytes);
    underWay.add(sending);
    await sending.finally(() => underWay.delete(sending));
    sentBytes += bytes.byteLength;
    progress(sentBytes);
  };
  const work = async (): Promise<void> => {
    let buffer: Uint8Array | undefined;
    const bufferOf = (): Uint8Array => buffer ??= new Uint8Array(partBytes);
    for (let part = await parts.fill(bufferOf); part; part = await parts.fill(bufferOf)) {
      stop.signal.throwIfAborted();
      await send(part);
    }
  };
  try {
    const begun = send({ number: 1, bytes: first }).then(work);
    await Promise.all([begun, ...Array.from({ length: concurrency - 1 }, work)]);
    return sentBytes;
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(underWay);
    throw error;
  } finally {
    call.signal.removeEventListener("abort", abort);
  }
}

function tooManyParts(): ValidationError {
  const why = `it has more than ${MAX_PARTS} parts; give its size, or a larger partBytes`;
  return new ValidationError("data", why, operationName("upload"));
}
