import { systemClock } from "../core/clock.ts";
import { ValidationError } from "../core/errors.ts";
import { bodySize, bodyStream, checkBody, orCancel } from "./body.ts";
import { runCall, TRANSFER_TIMEOUT_MS } from "./call.ts";
import { type Sha256, startSha256 } from "./digest.ts";
import { notIntact, storageFailure } from "./failures.ts";
import { checkMetadata, resolveContentType } from "./object_metadata.ts";
import { collect } from "./read_stream.ts";
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

/** How to download with a digest; a range cannot be verified. */
export interface DownloadVerifiedOptions extends Omit<DownloadOptions, "range"> {
  /**
   * The SHA-256 that the bytes must have, in hexadecimal, such as the checksum of a dataset in the
   * database. Default: the one that the object records, which protects against damage but not
   * against somebody who replaces object and record alike.
   */
  readonly sha256?: string;
}

/**
 * Uploads, computes the SHA-256 of the bytes on their way, and records it in the metadata of the
 * object under `sha256`. Rejects like `StorageProvider.upload`.
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
 * Downloads an object and returns its bytes only if their SHA-256 is the expected one. Rejects with
 * an `IntegrityError` if it is not, with code `unsupported` if none is recorded or given, and
 * otherwise like `StorageProvider.download`.
 */
export function downloadVerified(
  storage: StorageProvider,
  bucket: string,
  key: string,
  options: DownloadVerifiedOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const limits = { ...options, defaultTimeoutMs: TRANSFER_TIMEOUT_MS };
  return runCall("download", limits, systemClock, async ({ signal }) => {
    const opened = { ...options, signal };
    const { metadata, body } = await downloadVerifiedStream(storage, bucket, key, opened);
    return await collect(body, metadata.size);
  });
}

/**
 * Opens an object as a stream that checks the SHA-256 of what it gives. If it is not the expected
 * one, the stream fails with an `IntegrityError` in the place of its end: whoever uses the bytes before
 * uses unverified ones. Rejects like {@linkcode downloadVerified}.
 */
export async function downloadVerifiedStream(
  storage: StorageProvider,
  bucket: string,
  key: string,
  options: DownloadVerifiedOptions = {},
): Promise<ObjectStream> {
  const { sha256, ifMatch, signal, timeoutMs } = options;
  const given = sha256 === undefined ? undefined : checkSha256(sha256);
  const opened = { ifMatch, signal, timeoutMs };
  const { metadata, body } = await storage.downloadStream(bucket, key, opened);
  const expected = given ?? metadata.metadata[SHA256_METADATA];
  if (expected === undefined) {
    body.cancel().catch(() => {});
    throw nothingRecorded();
  }
  const hash = startSha256();
  const verified = body.pipeThrough(hashing(hash, () => {
    if (hash.hex() !== expected) throw mismatch("download");
  }));
  return { metadata, body: verified };
}

async function uploadHashed(
  storage: StorageProvider,
  bucket: string,
  key: string,
  data: StorageBody,
  options: UploadVerifiedOptions,
): Promise<VerifiedObject> {
  checkBody(data);
  const { sha256: given, size = bodySize(data), ...rest } = options;
  const expected = given === undefined ? undefined : checkSha256(given);
  const contentType = resolveContentType(options.contentType, data);
  const metadata = takeOver(options.metadata);
  const hash = startSha256();
  let sha256 = "";
  const describe = (): UserMetadata => {
    sha256 = hash.hex();
    if (expected !== undefined && sha256 !== expected) throw mismatch("upload");
    return withDigest(typeof metadata === "function" ? metadata() : metadata, sha256);
  };
  const hashed = bodyStream(data).pipeThrough(hashing(hash));
  const upload = { ...rest, size, contentType, metadata: describe };
  return { ...await storage.upload(bucket, key, hashed, upload), sha256 };
}

/** Passes bytes on and adds them to the digest; calls `atEnd` before the stream ends. */
function hashing(
  hash: Sha256,
  atEnd: () => void = () => {},
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(chunk, controller): void {
      // What is not bytes is refused by the provider.
      if (chunk instanceof Uint8Array) hash.update(chunk);
      controller.enqueue(chunk);
    },
    flush: atEnd,
  });
}

/** The caller may change its object as soon as the call has returned. */
function takeOver(metadata: UploadOptions["metadata"] = {}): UserMetadata | (() => UserMetadata) {
  if (typeof metadata === "function") return metadata;
  const copy = checkMetadata(metadata);
  withDigest(copy, "");
  return copy;
}

function withDigest(metadata: UserMetadata, sha256: string): UserMetadata {
  if (SHA256_METADATA in metadata) {
    throw new ValidationError(`metadata.${SHA256_METADATA}`, "the verified upload writes it");
  }
  return { ...metadata, [SHA256_METADATA]: sha256 };
}

function checkSha256(sha256: string): string {
  if (typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256)) return sha256.toLowerCase();
  throw new ValidationError("sha256", "it must have 64 hexadecimal digits");
}

function mismatch(operation: "upload" | "download"): Error {
  return notIntact(operation, "its SHA-256 is not the expected one");
}

function nothingRecorded(): Error {
  const why = "no SHA-256 to verify it was recorded or given";
  return storageFailure("download", why, { code: "unsupported" });
}
