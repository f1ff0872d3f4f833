import type { CallOptions } from "../core/call_options.ts";
import { systemClock } from "../core/clock.ts";
import { ValidationError } from "../core/errors.ts";
import { bodySize, bodyStream, checkBody, digestBody, orCancel } from "./body.ts";
import { runCall, shareDeadline, TRANSFER_TIMEOUT_MS } from "./call.ts";
import { sha256Hex } from "./digest.ts";
import type { ObjectAddress } from "./driver.ts";
import { hashedStream, requireDigest } from "./hashed_stream.ts";
import { checkMetadata, resolveContentType } from "./object_metadata.ts";
import { checkAddress, checkSha256 } from "./requests.ts";
import type {
  StorageBody,
  StorageProvider,
  UploadOptions,
  UserMetadata,
  WrittenObject,
} from "./storage.ts";

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

/**
 * Uploads, computes the SHA-256 of the bytes, and records it in the metadata of the object under
 * `record`. Rejects like `StorageProvider.upload`, and with an `IntegrityError` for other bytes than given.
 */
export function uploadRecorded(
  storage: StorageProvider,
  { bucket, key }: ObjectAddress,
  data: StorageBody,
  options: UploadVerifiedOptions & { readonly record: string },
): Promise<VerifiedObject> {
  return orCancel(data, uploadHashed(storage, { bucket, key }, data, options));
}

async function uploadHashed(
  storage: StorageProvider,
  { bucket, key }: ObjectAddress,
  data: StorageBody,
  options: UploadVerifiedOptions & { readonly record: string },
): Promise<VerifiedObject> {
  checkAddress(bucket, key);
  checkBody(data);
  const { sha256: given, size = bodySize(data), record, ...rest } = options;
  const expected = given === undefined ? undefined : checkSha256(given);
  const contentType = resolveContentType(options.contentType, data);
  const metadata = takeOver(options.metadata, record);
  const upload = { ...rest, size, contentType };
  if (typeof data === "string" || data instanceof Uint8Array) {
    const sha256 = sha256Hex(data);
    if (expected !== undefined) requireDigest("upload", sha256, expected);
    // Nothing was awaited yet, so the provider copies the very bytes that were hashed.
    const described = { ...upload, metadata: describe(metadata, record, sha256) };
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
  const body = hashedStream(bodyStream(data), (actual) => {
    if (known !== undefined) requireDigest("upload", actual, known);
    sha256 = actual;
  });
  const described = {
    ...upload,
    ...limits,
    metadata: describe(metadata, record, known ?? (() => sha256)),
  };
  return { ...await storage.upload(bucket, key, body, described), sha256 };
}

async function digestBlob(data: Blob, limits: CallOptions): Promise<string> {
  const { sha256 } = await runCall("upload", limits, systemClock, ({ signal }) => {
    return digestBody(data, { signal });
  });
  return sha256;
}

type DescribedBy = UserMetadata | (() => UserMetadata);

/** The caller may change its object as soon as the call has returned. */
function takeOver(metadata: UploadOptions["metadata"] = {}, record: string): DescribedBy {
  if (typeof metadata === "function") return metadata;
  const copy = checkMetadata(metadata);
  withDigest(copy, record, "");
  return copy;
}

/** The metadata with the digest: as a value if both are known by now. */
function describe(
  metadata: DescribedBy,
  record: string,
  sha256: string | (() => string),
): DescribedBy {
  if (typeof metadata !== "function" && typeof sha256 === "string") {
    return withDigest(metadata, record, sha256);
  }
  return () =>
    withDigest(
      typeof metadata === "function" ? metadata() : metadata,
      record,
      typeof sha256 === "function" ? sha256() : sha256,
    );
}

function withDigest(metadata: UserMetadata, record: string, sha256: string): UserMetadata {
  if (record in metadata) {
    throw new ValidationError(`metadata.${record}`, "the verified upload writes it");
  }
  return { ...metadata, [record]: sha256 };
}
