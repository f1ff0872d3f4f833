import { type Clock, systemClock } from "../../core/clock.ts";
import type { InfrastructureError } from "../../core/errors.ts";
import { checkInteger } from "../../core/validation.ts";
import { reportChunks } from "../body.ts";
import type { StorageCall } from "../call.ts";
import type { ObjectAddress, StorageDriver } from "../driver.ts";
import { missing, otherVersion, storageFailure, unsupported } from "../failures.ts";
import { joinBytes } from "../joined_bytes.ts";
import { commonPrefix, fillPage, type ListRequest } from "../listing.ts";
import { keyToBytes } from "../object_key.ts";
import { PortableStorageProvider } from "../portable.ts";
import { locateRange } from "../range.ts";
import { readStream } from "../read_stream.ts";
import type { DownloadRequest, UploadRequest } from "../requests.ts";
import type {
  DeleteResult,
  ObjectMetadata,
  ObjectPage,
  ObjectStream,
  ObjectSummary,
  PresignedPost,
  StorageCapabilities,
  UserMetadata,
  WrittenObject,
} from "../storage.ts";
import { checkConditions } from "../write_conditions.ts";

/** How a {@linkcode MemoryStorageProvider} behaves. */
export interface MemoryStorageOptions {
  /**
   * The most bytes of all objects together; what would not fit is refused with code
   * `resource_exhausted`. Default: 268,435,456 (256 MiB).
   */
  readonly maxBytes?: number;
  /** The source of `lastModified` and of deadlines. Default: the clock of the machine. */
  readonly clock?: Clock;
}

/**
 * Object storage in the memory of the process, gone when it ends or the provider is closed. Keeps
 * copies of the bytes, so that nothing a caller changes afterwards is seen. Supports everything
 * but presigned URLs.
 *
 * ```ts
 * import { MemoryStorageProvider } from "@benchmark-exchange/infrastructure/storage/memory";
 *
 * const storage = new MemoryStorageProvider({ maxBytes: 1_000_000 });
 * await storage.createBucket("results");
 * await storage.upload("results", "a.json", "[1, 2]");
 * console.log((await storage.download("results", "a.json")).length); // 6
 * await storage.close();
 * ```
 */
export class MemoryStorageProvider extends PortableStorageProvider {
  /** Creates an empty storage without buckets. */
  constructor(options: MemoryStorageOptions = {}) {
    const { maxBytes = 268_435_456, clock = systemClock } = options;
    super(new MemoryDriver(checkInteger("maxBytes", maxBytes, { min: 1 }), clock), clock);
  }
}

/** Everything about a stored object; the bytes are never changed. */
interface StoredObject extends Omit<ObjectMetadata, "key" | "size" | "lastModified"> {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly modifiedMs: number;
}

type Bucket = Map<string, StoredObject>;

class MemoryDriver implements StorageDriver {
  readonly capabilities: StorageCapabilities = {
    createOnly: true,
    ifMatch: true,
    presignedUrls: false,
    presignedPosts: false,
  };
  readonly #buckets = new Map<string, Bucket>();
  readonly #maxBytes: number;
  readonly #clock: Clock;
  #usedBytes = 0;

  constructor(maxBytes: number, clock: Clock) {
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  async put(call: StorageCall, to: ObjectAddress, request: UploadRequest): Promise<WrittenObject> {
    const bucket = this.#bucket(call, to.bucket);
    checkConditions(call.operation, bucket.get(to.key)?.etag, request);
    const bytes = await this.#collect(call, reportChunks(request.chunks, request.progress));
    const metadata = request.metadata();
    call.commit();
    // The body took its time, so the object can be another one by now.
    checkConditions(call.operation, bucket.get(to.key)?.etag, request);
    return this.#store(call, bucket, to.key, bytes, { ...request, metadata });
  }

  open(call: StorageCall, from: ObjectAddress, request: DownloadRequest): Promise<ObjectStream> {
    const object = this.#find(from);
    if (!object) throw missing(call.operation, "object");
    const { bytes } = object;
    if (request.ifMatch !== undefined && request.ifMatch !== object.etag) {
      throw otherVersion(call.operation);
    }
    const body = readStream(
      call.operation,
      {
        read: (position, length) => Promise.resolve(bytes.slice(position, position + length)),
        close: () => Promise.resolve(),
      },
      locateRange(request.range, bytes.byteLength),
      request.signals,
    );
    return Promise.resolve({ metadata: describe(from.key, object), body });
  }

  stat(_call: StorageCall, at: ObjectAddress): Promise<ObjectMetadata | undefined> {
    const object = this.#find(at);
    return Promise.resolve(object && describe(at.key, object));
  }

  remove(call: StorageCall, name: string, keys: readonly string[]): Promise<DeleteResult[]> {
    const bucket = this.#bucket(call, name);
    for (const key of keys) {
      this.#usedBytes -= bucket.get(key)?.bytes.byteLength ?? 0;
      bucket.delete(key);
    }
    return Promise.resolve(keys.map((key) => ({ key, deleted: true })));
  }

  async list(call: StorageCall, name: string, request: ListRequest): Promise<ObjectPage> {
    const bucket = this.#bucket(call, name);
    return await fillPage(namesInOrder(bucket.keys(), request), request.limit, (keys) => {
      const found = keys.map((key) => {
        const object = bucket.get(key);
        return object && summarize(key, object);
      });
      return Promise.resolve(found);
    });
  }

  copy(call: StorageCall, from: ObjectAddress, to: ObjectAddress): Promise<WrittenObject> {
    const object = this.#find(from);
    if (!object) throw missing(call.operation, "object");
    const bucket = this.#bucket(call, to.bucket);
    return Promise.resolve(this.#store(call, bucket, to.key, object.bytes, object));
  }

  presign(call: StorageCall): Promise<string> {
    throw unsupported(call.operation, "presignedUrls");
  }

  presignPost(call: StorageCall): Promise<PresignedPost> {
    throw unsupported(call.operation, "presignedPosts");
  }

  createBucket(_call: StorageCall, name: string): Promise<void> {
    if (!this.#buckets.has(name)) this.#buckets.set(name, new Map());
    return Promise.resolve();
  }

  bucketExists(_call: StorageCall, name: string): Promise<boolean> {
    return Promise.resolve(this.#buckets.has(name));
  }

  health(): Promise<Record<string, unknown>> {
    const { size: buckets } = this.#buckets;
    const health = {
      adapter: "memory",
      buckets,
      usedBytes: this.#usedBytes,
      maxBytes: this.#maxBytes,
    };
    return Promise.resolve(health);
  }

  close(): Promise<void> {
    this.#buckets.clear();
    return Promise.resolve();
  }

  toError(error: unknown, call: StorageCall): InfrastructureError {
    return storageFailure(call.operation, "it failed", { code: "internal", cause: error });
  }

  #find(at: ObjectAddress): StoredObject | undefined {
    return this.#buckets.get(at.bucket)?.get(at.key);
  }

  #bucket(call: StorageCall, name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw missing(call.operation, "bucket");
    return bucket;
  }

  async #collect(
    call: StorageCall,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of chunks) {
      size += chunk.byteLength;
      this.#requireRoom(call, size);
      parts.push(chunk);
    }
    return joinBytes(parts);
  }

  #store(
    call: StorageCall,
    bucket: Bucket,
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    about: { readonly contentType: string; readonly metadata: UserMetadata },
  ): WrittenObject {
    const usedBytes = this.#usedBytes - (bucket.get(key)?.bytes.byteLength ?? 0) + bytes.byteLength;
    this.#requireRoom(call, usedBytes);
    const { contentType, metadata } = about;
    const etag = crypto.randomUUID();
    bucket.set(key, { bytes, etag, contentType, metadata, modifiedMs: this.#clock.now() });
    this.#usedBytes = usedBytes;
    return { etag, size: bytes.byteLength };
  }

  #requireRoom(call: StorageCall, bytes: number): void {
    if (bytes <= this.#maxBytes) return;
    const why = `all objects together may have ${this.#maxBytes} bytes`;
    throw storageFailure(call.operation, why, { code: "resource_exhausted" });
  }
}

function namesInOrder(keys: Iterable<string>, request: ListRequest): string[] {
  const { prefix, after, folded } = request;
  const names = new Set<string>();
  for (const name of Array.from(keys, keyToBytes)) {
    if (!name.startsWith(prefix)) continue;
    names.add(folded && commonPrefix(name, prefix) || name);
  }
  return [...names].filter((name) => name > after).sort();
}

function describe(key: string, object: StoredObject): ObjectMetadata {
  const { contentType, metadata } = object;
  return { ...summarize(key, object), contentType, metadata: { ...metadata } };
}

function summarize(key: string, object: StoredObject): ObjectSummary {
  const { bytes, etag, modifiedMs } = object;
  return { key, size: bytes.byteLength, etag, lastModified: new Date(modifiedMs) };
}
