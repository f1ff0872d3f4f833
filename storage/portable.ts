import type { CallOptions } from "../core/call_options.ts";
import type { Clock } from "../core/clock.ts";
import { InfrastructureError } from "../core/errors.ts";
import { orCancel } from "./body.ts";
import { runCall, type StorageCall, TRANSFER_TIMEOUT_MS } from "./call.ts";
import type { StorageDriver } from "./driver.ts";
import { missing, storageFailure, type StorageOperation, unsupported } from "./failures.ts";
import { checkListing, iteratePages } from "./listing.ts";
import { checkBucket } from "./object_key.ts";
import { locateRange } from "./range.ts";
import { collect } from "./read_stream.ts";
import {
  checkAddress,
  checkBatch,
  checkDownload,
  checkPresign,
  checkPresignPost,
  checkUpload,
} from "./requests.ts";
import type {
  DeleteResult,
  DownloadOptions,
  IterateOptions,
  ListOptions,
  ObjectMetadata,
  ObjectPage,
  ObjectStream,
  ObjectSummary,
  PresignedPost,
  PresignOptions,
  PresignPostOptions,
  StorageBody,
  StorageCapabilities,
  StorageProvider,
  UploadOptions,
  WrittenObject,
} from "./storage.ts";

/**
 * What all providers have in common, over a {@linkcode StorageDriver}: the rules of the input, deadlines
 * and cancellation, refusal of what the driver cannot do, one mapping of errors, and the end of life.
 *
 * ```ts
 * import { systemClock } from "@benchmark-exchange/infrastructure/core";
 * import {
 *   PortableStorageProvider,
 *   type StorageDriver,
 * } from "@benchmark-exchange/infrastructure/storage";
 *
 * // An adapter of your own: the driver speaks to the server, and all else is there.
 * class ArchiveStorageProvider extends PortableStorageProvider {
 *   constructor(driver: StorageDriver) {
 *     super(driver, systemClock);
 *   }
 * }
 * ```
 */
export class PortableStorageProvider implements StorageProvider {
  readonly #driver: StorageDriver;
  readonly #clock: Clock;
  #closing: Promise<void> | undefined;

  /** Creates a provider over a driver, which it closes in the end. */
  constructor(driver: StorageDriver, clock: Clock) {
    this.#driver = driver;
    this.#clock = clock;
  }

  /** What this provider can do. */
  get capabilities(): StorageCapabilities {
    return this.#driver.capabilities;
  }

  /** Writes an object. */
  upload(
    bucket: string,
    key: string,
    data: StorageBody,
    options: UploadOptions = {},
  ): Promise<WrittenObject> {
    // The body ends with the upload, also when it is stuck while the upload fails for another reason.
    const ended = new AbortController();
    const upload = this.run("upload", transfer(options), async (call) => {
      call.signal.addEventListener("abort", () => ended.abort(call.signal.reason), { once: true });
      const to = checkAddress(bucket, key);
      const request = checkUpload(data, options, ended.signal);
      const { createOnly, ifMatch } = this.capabilities;
      if (request.createOnly && !createOnly) throw unsupported("upload", "createOnly");
      if (request.ifMatch !== undefined && !ifMatch) throw unsupported("upload", "ifMatch");
      return await this.#driver.put(call, to, request);
    });
    return orCancel(data, upload).catch((error) => {
      ended.abort(error);
      throw error;
    });
  }

  /** Reads an object, or a range of it, into memory. */
  download(
    bucket: string,
    key: string,
    options: DownloadOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.run("download", transfer(options), async (call) => {
      const from = checkAddress(bucket, key);
      const request = checkDownload(options, [call.signal]);
      const { body, metadata } = await this.#driver.open(call, from, request);
      const { start, end } = locateRange(request.range, metadata.size);
      return await collect(body, end - start);
    });
  }

  /** Opens an object, or a range of it, as a stream. */
  downloadStream(
    bucket: string,
    key: string,
    options: DownloadOptions = {},
  ): Promise<ObjectStream> {
    return this.run("downloadStream", options, async (call) => {
      const from = checkAddress(bucket, key);
      // The call's signal also ends a stream that was opened too late for anyone to get it.
      const signals = options.signal ? [call.signal, options.signal] : [call.signal];
      return await this.#driver.open(call, from, checkDownload(options, signals));
    });
  }

  /** Deletes an object. */
  delete(bucket: string, key: string, options: CallOptions = {}): Promise<void> {
    return this.run("delete", options, async (call) => {
      checkAddress(bucket, key);
      const [result] = await this.#driver.remove(call, bucket, [key]);
      if (result?.deleted === false) throw result.error;
    });
  }

  /** Deletes many objects. */
  deleteBatch(
    bucket: string,
    keys: readonly string[],
    options: CallOptions = {},
  ): Promise<readonly DeleteResult[]> {
    return this.run("deleteBatch", transfer(options), async (call) => {
      checkBatch(bucket, keys);
      return await this.#driver.remove(call, bucket, [...keys]);
    });
  }

  /** Tells whether there is an object. */
  exists(bucket: string, key: string, options: CallOptions = {}): Promise<boolean> {
    return this.run("exists", options, async (call) => {
      return await this.#driver.stat(call, checkAddress(bucket, key)) !== undefined;
    });
  }

  /** Reads everything about an object but its bytes. */
  getMetadata(bucket: string, key: string, options: CallOptions = {}): Promise<ObjectMetadata> {
    return this.run("getMetadata", options, async (call) => {
      const metadata = await this.#driver.stat(call, checkAddress(bucket, key));
      if (metadata === undefined) throw missing("getMetadata", "object");
      return metadata;
    });
  }

  /** Lists one page of a bucket. */
  listObjects(bucket: string, options: ListOptions = {}): Promise<ObjectPage> {
    return this.run("listObjects", options, async (call) => {
      checkBucket("bucket", bucket);
      return await this.#driver.list(call, bucket, checkListing(options));
    });
  }

  /** Lists a bucket, page by page. */
  iterateObjects(
    bucket: string,
    options: IterateOptions = {},
  ): AsyncIterableIterator<ObjectSummary> {
    return iteratePages(this, bucket, options);
  }

  /** Copies an object. */
  copy(
    sourceBucket: string,
    sourceKey: string,
    destinationBucket: string,
    destinationKey: string,
    options: CallOptions = {},
  ): Promise<WrittenObject> {
    return this.run("copy", transfer(options), async (call) => {
      const from = checkAddress(sourceBucket, sourceKey, ["sourceBucket", "sourceKey"]);
      const to = checkAddress(destinationBucket, destinationKey, [
        "destinationBucket",
        "destinationKey",
      ]);
      return await this.#driver.copy(call, from, to);
    });
  }

  /** Makes a URL that reads or writes the object without further credentials. */
  getPresignedUrl(bucket: string, key: string, options: PresignOptions = {}): Promise<string> {
    return this.run("getPresignedUrl", options, async (call) => {
      const at = checkAddress(bucket, key);
      return await this.#driver.presign(call, at, checkPresign(options));
    });
  }

  /** Makes a form that uploads the object without further credentials. */
  getPresignedPost(
    bucket: string,
    key: string,
    options: PresignPostOptions,
  ): Promise<PresignedPost> {
    return this.run("getPresignedPost", options, async (call) => {
      const at = checkAddress(bucket, key);
      return await this.#driver.presignPost(call, at, checkPresignPost(options));
    });
  }

  /** Creates a bucket. */
  createBucket(bucket: string, options: CallOptions = {}): Promise<void> {
    return this.run("createBucket", options, async (call) => {
      await this.#driver.createBucket(call, checkBucket("bucket", bucket));
    });
  }

  /** Tells whether there is a bucket. */
  bucketExists(bucket: string, options: CallOptions = {}): Promise<boolean> {
    return this.run("bucketExists", options, async (call) => {
      return await this.#driver.bucketExists(call, checkBucket("bucket", bucket));
    });
  }

  /** Resolves with what is worth showing, or rejects with why the storage does not work. */
  health(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.run("health", options, (call) => this.#driver.health(call));
  }

  /** Gives up what the provider holds. */
  close(): Promise<void> {
    this.#closing ??= this.#driver.close();
    return this.#closing;
  }

  /** The same as {@linkcode PortableStorageProvider.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs a call of an adapter that has more to offer than the port. */
  protected run<T>(
    operation: StorageOperation,
    options: CallOptions & { readonly defaultTimeoutMs?: number },
    work: (call: StorageCall) => Promise<T>,
  ): Promise<T> {
    return runCall(operation, options, this.#clock, async (call) => {
      if (this.#closing) throw storageFailure(operation, "it is closed", { code: "closed" });
      try {
        return await work(call);
      } catch (error) {
        throw error instanceof InfrastructureError ? error : this.#driver.toError(error, call);
      }
    });
  }
}

function transfer<T extends CallOptions>(options: T): T & { readonly defaultTimeoutMs: number } {
  return { ...options, defaultTimeoutMs: TRANSFER_TIMEOUT_MS };
}
