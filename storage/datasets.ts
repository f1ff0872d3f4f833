import type { CallOptions } from "../core/call_options.ts";
import { systemClock } from "../core/clock.ts";
import { StorageError, ValidationError } from "../core/errors.ts";
import { checkInteger, checkText } from "../core/validation.ts";
import { checkBody, digestBody, orCancel } from "./body.ts";
import { runCall, shareDeadline, TRANSFER_TIMEOUT_MS } from "./call.ts";
import { findObject } from "./find_object.ts";
import { notIntact, storageFailure, unsupported } from "./failures.ts";
import { checkBucket, checkObjectKey } from "./object_key.ts";
import { checkMetadata } from "./object_metadata.ts";
import { checkSha256 } from "./requests.ts";
import type {
  ByteRange,
  ObjectMetadata,
  ObjectStream,
  StorageBody,
  StorageProvider,
} from "./storage.ts";
import {
  downloadVerified,
  downloadVerifiedStream,
  SHA256_METADATA,
  uploadVerified,
  type UploadVerifiedOptions,
} from "./verified.ts";

/** Where a dataset is to be kept. */
export interface DatasetAddress {
  /** What the benchmark calls it: 1 to 200 characters. */
  readonly name: string;
  /** The bucket. */
  readonly bucket: string;
  /** The key in the bucket, such as `StoragePath.benchmarkDataset` gives. */
  readonly key: string;
}

/**
 * Where a dataset is, and how to know that it has not changed: the `DatasetReference` of a version
 * of a benchmark.
 */
export interface StoredDataset extends DatasetAddress {
  /** The SHA-256 of the content, 64 hexadecimal digits in lower case. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** How to publish a dataset. The default deadline is 10 minutes. */
export interface PutDatasetOptions extends Omit<UploadVerifiedOptions, "createOnly" | "ifMatch"> {
  /**
   * Whether to write over what is there. Whoever opens the dataset by the reference of before gets
   * an `IntegrityError` from then on, so it is for what was never published. Default: `false`.
   */
  readonly replace?: boolean;
}

/** How to open a dataset. */
export interface OpenDatasetOptions extends CallOptions {
  /**
   * Which part. Default: the whole. All of it is read from the storage, whatever the part, because
   * the digest is that of the whole; what is outside is hashed and left out.
   */
  readonly range?: ByteRange;
}

/**
 * Publishes a dataset and resolves with its reference, as a version of a benchmark takes it.
 *
 * A key is written once. Publishing the same bytes again, say after a lost reply, changes nothing
 * and resolves with the same reference: `data` is read for its digest and compared with what the
 * object records, and the object is read once to see that it has these bytes. Its content type and
 * metadata stay those of the first time. Other bytes, and an object without a record, reject with code
 * `already_exists`. So do the same bytes if `data` is a stream and somebody else publishes them
 * meanwhile: the stream has been read by then.
 *
 * Rejects with code `unsupported` where the storage cannot promise that only one creates an object,
 * with an `IntegrityError` if the published object is damaged (`replace` repairs it) or `data` has not the
 * given `sha256`, with a `ValidationError` that names the field, and otherwise like
 * `StorageProvider.upload`.
 *
 * ```ts
 * import { MemoryStorageProvider, putDataset, readDataset } from "@benchmark-exchange/infrastructure/storage";
 *
 * const storage = new MemoryStorageProvider();
 * await storage.createBucket("datasets");
 * const address = { name: "tasks", bucket: "datasets", key: "tasks.jsonl" };
 * const dataset = await putDataset(storage, address, "{}\n");
 * console.log(dataset.sha256, (await readDataset(storage, dataset)).length);
 * await storage.close();
 * ```
 */
export function putDataset(
  storage: StorageProvider,
  to: DatasetAddress,
  data: StorageBody,
  options: PutDatasetOptions = {},
): Promise<StoredDataset> {
  return orCancel(data, publish(storage, to, data, options));
}

/**
 * Opens a dataset as a stream that has the SHA-256 and the size of its reference, or fails with an
 * `IntegrityError` in the place of its last bytes; whoever uses those before uses unverified ones. One
 * of another size rejects at once. Rejects with a `ValidationError` that names the field of a
 * malformed reference, and otherwise like `StorageProvider.downloadStream`.
 *
 * ```ts
 * import {
 *   MemoryStorageProvider,
 *   openDataset,
 *   putDataset,
 * } from "@benchmark-exchange/infrastructure/storage";
 *
 * const storage = new MemoryStorageProvider();
 * await storage.createBucket("datasets");
 * const address = { name: "tasks", bucket: "datasets", key: "tasks.jsonl" };
 * const dataset = await putDataset(storage, address, '{"task":1}\n{"task":2}\n');
 * const { body } = await openDataset(storage, dataset);
 * console.log((await new Response(body).text()).split("\n").length - 1); // 2
 * await storage.close();
 * ```
 */
export async function openDataset(
  storage: StorageProvider,
  dataset: StoredDataset,
  options: OpenDatasetOptions = {},
): Promise<ObjectStream> {
  const { bucket, key, ...expected } = checkReference(dataset);
  const { range, signal, timeoutMs } = options;
  const opened = { ...expected, range, signal, timeoutMs };
  return await downloadVerifiedStream(storage, bucket, key, opened);
}

/**
 * Reads a dataset, or a range of it, into memory, and returns the bytes only if the whole has the
 * SHA-256 and the size of its reference. The default deadline is 10 minutes. Rejects like
 * {@linkcode openDataset}.
 *
 * ```ts
 * import {
 *   MemoryStorageProvider,
 *   putDataset,
 *   readDataset,
 * } from "@benchmark-exchange/infrastructure/storage";
 *
 * const storage = new MemoryStorageProvider();
 * await storage.createBucket("datasets");
 * const address = { name: "tasks", bucket: "datasets", key: "tasks.jsonl" };
 * const dataset = await putDataset(storage, address, '{"task":1}\n{"task":2}\n');
 * const second = await readDataset(storage, dataset, { range: { offset: 11 } });
 * console.log(JSON.parse(new TextDecoder().decode(second))); // { task: 2 }
 * await storage.close();
 * ```
 */
export async function readDataset(
  storage: StorageProvider,
  dataset: StoredDataset,
  options: OpenDatasetOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { bucket, key, ...expected } = checkReference(dataset);
  const { range, signal, timeoutMs } = options;
  const opened = { ...expected, range, signal, timeoutMs };
  return await downloadVerified(storage, bucket, key, opened);
}

async function publish(
  storage: StorageProvider,
  to: DatasetAddress,
  data: StorageBody,
  { replace = false, ...options }: PutDatasetOptions,
): Promise<StoredDataset> {
  const address = checkAddress(to);
  const { bucket, key } = address;
  checkBody(data);
  const left = shareDeadline(options, TRANSFER_TIMEOUT_MS);
  if (!replace && !storage.capabilities.createOnly) throw unsupported("upload", "createOnly");
  if (options.sha256 !== undefined) checkSha256(options.sha256);
  const upload = { ...options, metadata: takeOver(options.metadata), createOnly: !replace };
  // The caller may change its bytes while the key is looked at.
  const body = data instanceof Uint8Array ? new Uint8Array(data) : data;
  const confirmIfThere = async (): Promise<StoredDataset | undefined> => {
    const found = await findObject(storage, address, left());
    return found && await confirm(storage, address, found, { ...upload, ...left(), body });
  };
  const published = replace ? undefined : await confirmIfThere();
  if (published) return published;
  try {
    const written = await uploadVerified(storage, bucket, key, body, { ...upload, ...left() });
    return { ...address, sha256: written.sha256, size: written.size };
  } catch (error) {
    const isTaken = error instanceof StorageError && error.code === "already_exists";
    const same = isTaken && !(body instanceof ReadableStream) ? await confirmIfThere() : undefined;
    if (same) return same;
    throw error;
  }
}

/** Resolves with the reference if the object that was found has the bytes of the body. */
function confirm(
  storage: StorageProvider,
  address: DatasetAddress,
  found: ObjectMetadata,
  { body, ...options }: UploadVerifiedOptions & { readonly body: StorageBody },
): Promise<StoredDataset> {
  return runCall("upload", options, systemClock, async ({ signal }) => {
    const { sha256, size } = await digestBody(body, { size: options.size, signal });
    if (options.sha256 !== undefined && options.sha256.toLowerCase() !== sha256) {
      throw notIntact("upload", "its SHA-256 is not the expected one");
    }
    if (found.metadata[SHA256_METADATA] !== sha256) {
      const why = "its key is taken by an object that does not record the same SHA-256";
      throw storageFailure("upload", why, { code: "already_exists" });
    }
    const dataset = { ...address, sha256, size };
    const stored = await openDataset(storage, dataset, { signal });
    await stored.body.pipeTo(new WritableStream());
    return dataset;
  });
}

/** The caller may change its object as soon as the call has returned. */
function takeOver(metadata: UploadVerifiedOptions["metadata"] = {}): typeof metadata {
  return typeof metadata === "function" ? metadata : checkMetadata(metadata);
}

function checkReference(dataset: StoredDataset): StoredDataset {
  const address = checkAddress(dataset);
  const sha256 = checkSha256(dataset.sha256);
  return { ...address, sha256, size: checkInteger("size", dataset.size, { min: 0 }) };
}

function checkAddress(to: DatasetAddress): DatasetAddress {
  const { name, bucket, key } = Object(to) as Partial<DatasetAddress>;
  return {
    name: refuseMark("name", checkText("name", name, { maxLength: 200 })),
    bucket: checkBucket("bucket", bucket),
    key: refuseMark("key", checkObjectKey("key", key)),
  };
}

/** What begins with one cannot be kept in a column, and so in no version of a benchmark. */
function refuseMark(field: string, text: string): string {
  if (!text.startsWith("\ufeff")) return text;
  throw new ValidationError(field, "it begins with a byte order mark");
}
