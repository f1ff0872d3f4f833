import { systemClock } from "../core/clock.ts";
import { checkInteger } from "../core/validation.ts";
import { runCall, TRANSFER_TIMEOUT_MS } from "./call.ts";
import { notIntact, storageFailure } from "./failures.ts";
import { hashedStream, requireDigest } from "./hashed_stream.ts";
import { checkRange, locateRange } from "./range.ts";
import { collect } from "./read_stream.ts";
import {
  uploadRecorded,
  type UploadVerifiedOptions,
  type VerifiedObject,
} from "./recorded_upload.ts";
import { checkSha256 } from "./requests.ts";
import type { DownloadOptions, ObjectStream, StorageBody, StorageProvider } from "./storage.ts";

export type { UploadVerifiedOptions, VerifiedObject } from "./recorded_upload.ts";

/** The name under which the metadata of an object records its SHA-256. */
export const SHA256_METADATA = "sha256";

/** How to download with a digest. */
export interface DownloadVerifiedOptions extends DownloadOptions {
  /**
   * The SHA-256 that the bytes must have, in hexadecimal, such as the checksum of a dataset in the
   * database. Default: the one that the object records, which protects against damage but not
   * against somebody who replaces object and record alike.
   */
  readonly sha256?: string;
  /** The size in bytes that the object must have; one of another size is not even read. */
  readonly size?: number;
  /**
   * Which part. Default: the whole object. A digest is that of the whole, so all of it is read from
   * the storage, whatever the part: what is outside is hashed and left out, in constant memory.
   */
  readonly range?: DownloadOptions["range"];
}

/**
 * Uploads, computes the SHA-256 of the bytes, and records it in the metadata of the object under
 * `sha256`. Rejects like `StorageProvider.upload`.
 *
 * A storage may have to know the metadata before the first byte, and to copy the object if it does
 * not. So a `Blob` is read twice, first for its digest, unless `sha256` is given; what is uploaded is
 * checked all the same. Only a stream without `sha256` is described after its last byte.
 *
 * ```ts
 * import {
 *   downloadVerified,
 *   MemoryStorageProvider,
 *   uploadVerified,
 * } from "@benchmark-exchange/infrastructure/storage";
 *
 * const storage = new MemoryStorageProvider();
 * await storage.createBucket("results");
 * await uploadVerified(storage, "results", "a.json", "[1, 2]");
 * console.log(await downloadVerified(storage, "results", "a.json")); // or an IntegrityError
 * await storage.close();
 * ```
 */
export function uploadVerified(
  storage: StorageProvider,
  bucket: string,
  key: string,
  data: StorageBody,
  options: UploadVerifiedOptions = {},
): Promise<VerifiedObject> {
  return uploadRecorded(storage, { bucket, key }, data, { ...options, record: SHA256_METADATA });
}

/**
 * Downloads an object, or a range of it, and returns the bytes only if the SHA-256 of the whole is
 * the expected one. Rejects with an `IntegrityError` if it is not, with code `unsupported` if none is
 * recorded or given, and otherwise like `StorageProvider.download`. Memory is taken for the range only.
 *
 * ```ts
 * import {
 *   downloadVerified,
 *   MemoryStorageProvider,
 *   sha256Hex,
 * } from "@benchmark-exchange/infrastructure/storage";
 *
 * const storage = new MemoryStorageProvider();
 * await storage.createBucket("results");
 * await storage.upload("results", "a.json", "[1, 2]");
 * const sha256 = sha256Hex("[1, 3]"); // what the database says
 * const call = downloadVerified(storage, "results", "a.json", { sha256 });
 * await call.catch((error) => console.log(error.name)); // "IntegrityError"
 * await storage.close();
 * ```
 */
export function downloadVerified(
  storage: StorageProvider,
  bucket: string,
  key: string,
  options: DownloadVerifiedOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const limits = { ...options, defaultTimeoutMs: TRANSFER_TIMEOUT_MS };
  return runCall("download", limits, systemClock, async ({ signal }) => {
    const opened = { ...limits, signal };
    const { metadata, body } = await downloadVerifiedStream(storage, bucket, key, opened);
    const { start, end } = locateRange(limits.range, metadata.size);
    return await collect(body, end - start);
  });
}

/**
 * Opens an object, or a range of it, as a stream that checks the SHA-256 of the whole. If it is not
 * the expected one, the stream fails with an `IntegrityError` in the place of its last bytes: whoever
 * uses those before uses unverified ones. Rejects like {@linkcode downloadVerified}.
 *
 * ```ts
 * import {
 *   downloadVerifiedStream,
 *   MemoryStorageProvider,
 *   uploadVerified,
 * } from "@benchmark-exchange/infrastructure/storage";
 *
 * const storage = new MemoryStorageProvider();
 * await storage.createBucket("results");
 * await uploadVerified(storage, "results", "a.json", "[1, 2]");
 * const { metadata, body } = await downloadVerifiedStream(storage, "results", "a.json");
 * console.log(metadata.size, await new Response(body).json()); // 6 [1, 2]
 * await storage.close();
 * ```
 */
export async function downloadVerifiedStream(
  storage: StorageProvider,
  bucket: string,
  key: string,
  options: DownloadVerifiedOptions = {},
): Promise<ObjectStream> {
  const { sha256, size, range, ifMatch, signal, timeoutMs } = options;
  const given = sha256 === undefined ? undefined : checkSha256(sha256);
  if (size !== undefined) checkInteger("size", size, { min: 0 });
  checkRange(range);
  const opened = { ifMatch, signal, timeoutMs };
  const { metadata, body } = await storage.downloadStream(bucket, key, opened);
  try {
    const expected = given ?? metadata.metadata[SHA256_METADATA]?.toLowerCase();
    if (expected === undefined) throw nothingRecorded();
    if (size !== undefined && size !== metadata.size) throw wrongSize(size, metadata.size);
    const atEnd = (actual: string): void => requireDigest("download", actual, expected);
    const verified = hashedStream(body, atEnd, locateRange(range, metadata.size));
    return { metadata, body: verified };
  } catch (error) {
    body.cancel().catch(() => {});
    throw error;
  }
}

function wrongSize(expected: number, actual: number): Error {
  return notIntact("download", `it must have ${expected} bytes, got ${actual}`);
}

function nothingRecorded(): Error {
  const why = "no SHA-256 to verify it was recorded or given";
  return storageFailure("download", why, { code: "unsupported" });
}
