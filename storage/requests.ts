import { ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";
import { checkInteger, checkText } from "../core/validation.ts";
import { bodySize, checkBody, readBody } from "./body.ts";
import type { ObjectAddress } from "./driver.ts";
import { sourceFailed } from "./failures.ts";
import { checkBucket, checkObjectKey } from "./object_key.ts";
import { checkContentType, checkMetadata, resolveContentType } from "./object_metadata.ts";
import { checkRange } from "./range.ts";
import type {
  ByteRange,
  DownloadOptions,
  PresignOptions,
  PresignPostOptions,
  StorageBody,
  UploadOptions,
  UserMetadata,
} from "./storage.ts";
import type { WriteConditions } from "./write_conditions.ts";

/** An upload whose input was checked. */
export interface UploadRequest extends WriteConditions {
  /** The body, to be read once; it ends with the reason of the call's signal when that fires. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** The size of the body in bytes, if it is known. */
  readonly size: number | undefined;
  /** The media type. */
  readonly contentType: string;
  /** The metadata, to be asked for once, after the body was read. */
  readonly metadata: () => UserMetadata;
  /** The same, if it is known before. */
  readonly knownMetadata: UserMetadata | undefined;
  /** To be told how many bytes are stored so far. */
  readonly progress: (storedBytes: number) => void;
}

/** A download whose input was checked. */
export interface DownloadRequest {
  /** The part to read. */
  readonly range: ByteRange | undefined;
  /** The etag that the object must have. */
  readonly ifMatch: string | undefined;
  /** What ends the body. */
  readonly signals: readonly AbortSignal[];
}

/** A presigned URL to make, its input checked. */
export interface PresignRequest {
  /** How long the URL works, in milliseconds. */
  readonly expiresInMs: number;
  /** The HTTP method. */
  readonly method: "GET" | "PUT";
  /** The media type that the request must send. */
  readonly contentType: string | undefined;
}

/** A presigned form to make, its input checked. */
export interface PresignPostRequest {
  /** How long the form works, in milliseconds. */
  readonly expiresInMs: number;
  /** The media type that the form must have. */
  readonly contentType: string;
  /** The fewest bytes of the file. */
  readonly minBytes: number;
  /** The most bytes of the file. */
  readonly maxBytes: number;
}

/** The largest object that Amazon S3 takes in one request. */
const MAX_POST_BYTES = 5_368_709_120;
const SECOND_MS = 1_000;
const WEEK_MS = 604_800_000;

/** Checks where an object lies; an error names the given fields. */
export function checkAddress(
  bucket: unknown,
  key: unknown,
  fields: readonly [bucket: string, key: string] = ["bucket", "key"],
): ObjectAddress {
  return { bucket: checkBucket(fields[0], bucket), key: checkObjectKey(fields[1], key) };
}

/** Returns the digest in lower case; throws a `ValidationError` if it is none. */
export function checkSha256(sha256: unknown): string {
  if (typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256)) return sha256.toLowerCase();
  throw new ValidationError("sha256", "it must have 64 hexadecimal digits");
}

/** Checks the input of an upload whose body ends when `signal` fires. */
export function checkUpload(
  data: StorageBody,
  options: UploadOptions,
  signal: AbortSignal,
): UploadRequest {
  checkBody(data);
  const { metadata = {}, createOnly = false, size = bodySize(data) } = options;
  if (size !== undefined) checkInteger("size", size, { min: 0 });
  const ifMatch = checkEtag(options.ifMatch);
  if (createOnly && ifMatch !== undefined) {
    throw new ValidationError("ifMatch", "it cannot be combined with createOnly");
  }
  return {
    chunks: readBody(takeOver(data), { size, signal }),
    size,
    contentType: resolveContentType(options.contentType, data),
    ...readMetadata(metadata),
    createOnly,
    ifMatch,
    progress: readProgress(options.onProgress),
  };
}

/** Checks the input of a download whose body ends when one of the signals fires. */
export function checkDownload(
  options: DownloadOptions,
  signals: readonly AbortSignal[],
): DownloadRequest {
  const { range, ifMatch } = options;
  checkRange(range);
  return { range, ifMatch: checkEtag(ifMatch), signals };
}

/** Checks the input of a batch; the error names the key by its index. */
export function checkBatch(bucket: string, keys: readonly string[]): void {
  checkBucket("bucket", bucket);
  if (!Array.isArray(keys)) {
    throw new ValidationError("keys", `it must be an array, got ${kindOf(keys)}`);
  }
  keys.forEach((key, i) => checkObjectKey(`keys[${i}]`, key));
}

/** Checks the input of a presigned URL. */
export function checkPresign(options: PresignOptions): PresignRequest {
  const { method = "GET", contentType } = options;
  const expiresInMs = checkExpiry(options.expiresInMs);
  if (method !== "GET" && method !== "PUT") {
    throw new ValidationError("method", "it must be GET or PUT");
  }
  if (contentType !== undefined) {
    if (method === "GET") throw new ValidationError("contentType", "only a PUT sends one");
    checkContentType(contentType);
  }
  return { expiresInMs, method, contentType };
}

/** Checks the input of a presigned form. */
export function checkPresignPost(options: PresignPostOptions): PresignPostRequest {
  const { contentType = "application/octet-stream", minBytes = 0, maxBytes } = options;
  checkInteger("minBytes", minBytes, { min: 0, max: MAX_POST_BYTES });
  return {
    expiresInMs: checkExpiry(options.expiresInMs),
    contentType: checkContentType(contentType),
    minBytes,
    maxBytes: checkInteger("maxBytes", maxBytes, { min: minBytes, max: MAX_POST_BYTES }),
  };
}

function checkExpiry(expiresInMs: unknown = 900 * SECOND_MS): number {
  return checkInteger("expiresInMs", expiresInMs, { min: SECOND_MS, max: WEEK_MS });
}

/** The caller may change its bytes as soon as the call has returned. */
function takeOver(data: StorageBody): StorageBody {
  return data instanceof Uint8Array ? new Uint8Array(data) : data;
}

function checkEtag(ifMatch: unknown): string | undefined {
  return ifMatch === undefined ? undefined : checkText("ifMatch", ifMatch, { maxLength: 255 });
}

function readMetadata(
  metadata: UserMetadata | (() => UserMetadata),
): Pick<UploadRequest, "metadata" | "knownMetadata"> {
  if (typeof metadata === "function") {
    return { metadata: () => checkMetadata(ask(metadata)), knownMetadata: undefined };
  }
  const knownMetadata = checkMetadata(metadata);
  return { metadata: () => knownMetadata, knownMetadata };
}

function readProgress(onProgress: unknown): (storedBytes: number) => void {
  if (onProgress === undefined) return () => {};
  if (typeof onProgress !== "function") {
    throw new ValidationError("onProgress", `it must be a function, got ${kindOf(onProgress)}`);
  }
  return (storedBytes) => {
    try {
      onProgress(storedBytes);
    } catch {
      // A display that fails is no reason to lose an upload.
    }
  };
}

function ask(metadata: () => UserMetadata): UserMetadata {
  try {
    return metadata();
  } catch (error) {
    throw sourceFailed(error);
  }
}
