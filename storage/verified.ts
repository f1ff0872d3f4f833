import type { CallOptions } from "../core/call_options.ts";
import { systemClock } from "../core/clock.ts";
import { ValidationError } from "../core/errors.ts";
import { checkInteger } from "../core/validation.ts";
import { bodySize, bodyStream, checkBody, digestBody, orCancel } from "./body.ts";
import { runCall, shareDeadline, TRANSFER_TIMEOUT_MS } from "./call.ts";
import { sha256Hex, startSha256 } from "./digest.ts";
import { notIntact, storageFailure } from "./failures.ts";
import { checkMetadata, resolveContentType } from "./object_metadata.ts";
import { checkRange, locateRange, type Span } from "./range.ts";
import { collect } from "./read_stream.ts";
import { checkAddress, checkSha256 } from "./requests.ts";
import type {
  DownloadOptions,
  ObjectStream,
  StorageBody,
  StorageProvider,
  UploadOptions,
  UserMetadata,
  WrittenObject,
} from "./storage.ts";

/** The name under which the metadata of an object records its SHA-256. */
export const SHA256_METADATA = "sha256";

/** How to upload with a digest. */
export interface UploadVerifiedOptions extends UploadOptions {
  /**
   * The SHA-256 that the bytes must have, in hexadecimal. If they have another, the upload rejects
   * with an `IntegrityError` and leaves no object.
   */
  readonly sha256?: string;
}

/** What a verified upload has written. */
export interface VerifiedObject extends WrittenObject {
  /** The SHA-256 of the bytes, in lower-case hexadecimal. */
  readonly sha256: string;
}

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
 */
export function uploadVerified(
  storage: StorageProvider,
  bucket: string,
  key: string,
  data: StorageBody,
  options: UploadVerifiedOptions = {},
): Promise<VerifiedObject> {
  return orCancel(data, uploadHashed(storage, bucket, key, data, options));
}

/**
 * Downloads an object, or a range of it, and returns the bytes only if the SHA-256 of the whole is
 * the expected one. Rejects with an `IntegrityError` if it is not, with code `unsupported` if none is
 * recorded or given, and otherwise like `StorageProvider.download`. Memory is taken for the range only.
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
    const verified = body.pipeThrough(hashing(atEnd, locateRange(range, metadata.size)));
    return { metadata, body: verified };
  } catch (error) {
    body.cancel().catch(() => {});
    throw error;
  }
}

async function uploadHashed(
  storage: StorageProvider,
  bucket: string,
  key: string,
  data: StorageBody,
  options: UploadVerifiedOptions,
): Promise<VerifiedObject> {
  checkAddress(bucket, key);
  checkBody(data);
  const { sha256: given, size = bodySize(data), ...rest } = options;
  const expected = given === undefined ? undefined : checkSha256(given);
  const contentType = resolveContentType(options.contentType, data);
  const metadata = takeOver(options.metadata);
  const upload = { ...rest, size, contentType };
  if (typeof data === "string" || data instanceof Uint8Array) {
    const sha256 = sha256Hex(data);
    if (expected !== undefined) requireDigest("upload", sha256, expected);
    // Nothing was awaited yet, so the provider copies the very bytes that were hashed.
    const described = { ...upload, metadata: describe(metadata, sha256) };
    return { ...await storage.upload(bucket, key, data, described), sha256 };
  }
  let known = expected;
  let limits: CallOptions = {};
  if (data instanceof Blob && known === undefined && typeof metadata !== "function") {
    const left = shareDeadline(options, TRANSFER_TIMEOUT_MS);
    known = await digestBlob(data, left());
    limits = left();
  }
  let sha256 = known ?? "";
  const body = bodyStream(data).pipeThrough(hashing((actual) => {
    if (known !== undefined) requireDigest("upload", actual, known);
    sha256 = actual;
  }));
  const described = { ...upload, ...limits, metadata: describe(metadata, known ?? (() => sha256)) };
  return { ...await storage.upload(bucket, key, body, described), sha256 };
}

async function digestBlob(data: Blob, limits: CallOptions): Promise<string> {
  const { sha256 } = await runCall("upload", limits, systemClock, ({ signal }) => {
    return digestBody(data, { signal });
  });
  return sha256;
}

/**
 * Passes bytes on, those of the span, and computes the digest of them all. The last ones have to wait
 * for `atEnd`, so that whoever counts on a certain size never has it all if the digest is wrong.
 */
function hashing(
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

type DescribedBy = UserMetadata | (() => UserMetadata);

/** The caller may change its object as soon as the call has returned. */
function takeOver(metadata: UploadOptions["metadata"] = {}): DescribedBy {
  if (typeof metadata === "function") return metadata;
  const copy = checkMetadata(metadata);
  withDigest(copy, "");
  return copy;
}

/** The metadata with the digest: as a value if both are known by now. */
function describe(metadata: DescribedBy, sha256: string | (() => string)): DescribedBy {
  if (typeof metadata !== "function" && typeof sha256 === "string") {
    return withDigest(metadata, sha256);
  }
  return () =>
    withDigest(
      typeof metadata === "function" ? metadata() : metadata,
      typeof sha256 === "function" ? sha256() : sha256,
    );
}

function withDigest(metadata: UserMetadata, sha256: string): UserMetadata {
  if (SHA256_METADATA in metadata) {
    throw new ValidationError(`metadata.${SHA256_METADATA}`, "the verified upload writes it");
  }
  return { ...metadata, [SHA256_METADATA]: sha256 };
}

function requireDigest(operation: "upload" | "download", actual: string, expected: string): void {
  if (actual !== expected) throw notIntact(operation, "its SHA-256 is not the expected one");
}

function wrongSize(expected: number, actual: number): Error {
  return notIntact("download", `it must have ${expected} bytes, got ${actual}`);
}

function nothingRecorded(): Error {
  const why = "no SHA-256 to verify it was recorded or given";
  return storageFailure("download", why, { code: "unsupported" });
}
