import { type CallOptions, checkTimeout } from "../../core/call_options.ts";
import { ValidationError } from "../../core/errors.ts";
import { type Observer, safeObserver, silentObserver } from "../../core/observer.ts";
import { orCancel } from "../body.ts";
import { storageFailure, type StorageOperation } from "../failures.ts";
import { iteratePages } from "../listing.ts";
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
} from "../storage.ts";
import { type Location, PRIMARY } from "./replicated/locations.ts";
import { ReplicatedReads } from "./replicated/reads.ts";
import { type RepairedReplica, type RepairOptions, repairReplica } from "./replicated/repair.ts";
import { Replication } from "./replicated/replication.ts";
import { ReplicatedWrites } from "./replicated/writes.ts";

export type { RepairedReplica, RepairFailure, RepairOptions } from "./replicated/repair.ts";

/** How a {@linkcode ReplicatedStorageProvider} behaves. */
export interface ReplicatedStorageOptions {
  /**
   * When a write resolves: when the primary has it, when most of all storages have it (with one replica, that is both),
   * or when all have it. The primary has it in any case, and the replicas get it as soon as they can. Default: `quorum`.
   */
  readonly write?: "primary" | "quorum" | "all";
  /** How long a storage may take to answer a read while there is another one, in milliseconds. Default: 5,000. */
  readonly failoverMs?: number;
  /**
   * Hears of every write that missed a replica (a warning with `location`, `bucket`, `key` and `code`, and the counter
   * `storage.replica_missed`) and of every read that went on elsewhere (`storage.failed_over`). Default: nobody.
   */
  readonly observer?: Observer;
}

/** How long {@linkcode ReplicatedStorageProvider.close} waits for the replicas, in milliseconds. */
const CLOSE_MS = 30_000;

/**
 * Object storage in several places, such as regions: one primary, which decides, and replicas that follow it.
 *
 * **Writes** go to the primary, with all their conditions, and fail if it does. Then every replica is given what the
 * primary has, read from there and checked; `write` says how many are waited for. A write that rejects with
 * `outcome: "unknown"` because too few replicas followed is done on the primary. What a replica misses is
 * reported to the observer, and {@linkcode ReplicatedStorageProvider.repair} makes good for it, as for what a killed
 * process left undone, and for what came to the primary on another way: through a presigned URL, or from before there
 * was a replica.
 *
 * **Reads** ask the primary. If that is away, too slow, or its bytes are damaged, the replicas are asked, one after
 * the other; a stream goes on at the next place where it was. A replica can lag behind: that an object does not
 * exist, or is not at the expected version (`ifMatch`), nobody says while the primary is away. Listings go on
 * where they began.
 *
 * **Checked.** Every object is written with its SHA-256, in its metadata under a name that users do not see, and
 * whoever reads a whole object gets these bytes or an `IntegrityError`. `download` tries the next place before; a
 * stream has given away too much by then. Ranges are not checked (`downloadVerified` does), nor what was not written
 * through here. As with `uploadVerified`, a `Blob` is read twice. User metadata is at most 1,905 bytes.
 *
 * Etags and times are those of the place that answered. Closing waits up to 30 seconds for the replicas, and
 * closes all storages.
 *
 * ```ts
 * import {
 *   FileSystemStorageProvider,
 *   ReplicatedStorageProvider,
 * } from "@benchmark-exchange/infrastructure/storage";
 *
 * const primary = new FileSystemStorageProvider({ root: "./data/storage" });
 * const replica = new FileSystemStorageProvider({ root: "./data/replica" });
 * const storage = new ReplicatedStorageProvider(primary, [replica], { write: "all" });
 * await storage.createBucket("results");
 * await storage.upload("results", "a.json", "[1, 2]");
 * await storage.close();
 * ```
 */
export class ReplicatedStorageProvider implements StorageProvider {
  readonly #locations: readonly [primary: Location, ...replicas: Location[]];
  readonly #reads: ReplicatedReads;
  readonly #writes: ReplicatedWrites;
  readonly #replication: Replication;
  #closing: Promise<void> | undefined;

  /** Creates the provider over storages that were opened. Throws a `ValidationError` for bad options. */
  constructor(
    primary: StorageProvider,
    replicas: readonly StorageProvider[],
    options: ReplicatedStorageOptions = {},
  ) {
    const { write = "quorum", failoverMs = 5_000 } = options;
    const observer = safeObserver(options.observer ?? silentObserver);
    if (!Array.isArray(replicas) || replicas.length === 0) {
      throw new ValidationError("replicas", "there must be at least one");
    }
    const needed = { primary: 0, quorum: Math.ceil(replicas.length / 2), all: replicas.length };
    if (!Object.hasOwn(needed, write)) {
      throw new ValidationError("write", "it must be primary, quorum or all");
    }
    checkTimeout(failoverMs, "failoverMs");
    const followers = replicas.map((storage, i) => ({ name: `replica ${i + 1}`, storage }));
    this.#locations = [{ name: PRIMARY, storage: primary }, ...followers];
    this.#replication = new Replication({ replicas: followers, needed: needed[write], observer });
    this.#reads = new ReplicatedReads(this.#locations, { failoverMs, observer });
    this.#writes = new ReplicatedWrites(primary, this.#replication);
  }

  /** What the primary can do. */
  get capabilities(): StorageCapabilities {
    return this.#locations[0].storage.capabilities;
  }

  /** Writes an object. */
  upload(
    bucket: string,
    key: string,
    data: StorageBody,
    options: UploadOptions = {},
  ): Promise<WrittenObject> {
    const upload = async (): Promise<WrittenObject> => {
      this.#requireOpen("upload");
      return await this.#writes.upload({ bucket, key }, data, options);
    };
    return orCancel(data, upload());
  }

  /** Reads an object, or a range of it, into memory, from the first place where it is intact. */
  async download(
    bucket: string,
    key: string,
    options: DownloadOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    this.#requireOpen("download");
    return await this.#reads.download(bucket, key, options);
  }

  /** Opens an object, or a range of it, as a stream. */
  async downloadStream(
    bucket: string,
    key: string,
    options: DownloadOptions = {},
  ): Promise<ObjectStream> {
    this.#requireOpen("downloadStream");
    return await this.#reads.downloadStream(bucket, key, options);
  }

  /** Deletes an object. */
  async delete(bucket: string, key: string, options: CallOptions = {}): Promise<void> {
    this.#requireOpen("delete");
    await this.#writes.delete(bucket, key, options);
  }

  /** Deletes many objects. When too few replicas follow, each key has that as its result. */
  async deleteBatch(
    bucket: string,
    keys: readonly string[],
    options: CallOptions = {},
  ): Promise<readonly DeleteResult[]> {
    this.#requireOpen("deleteBatch");
    return await this.#writes.deleteBatch(bucket, keys, options);
  }

  /** Tells whether there is an object. */
  async exists(bucket: string, key: string, options: CallOptions = {}): Promise<boolean> {
    this.#requireOpen("exists");
    return await this.#reads.exists(bucket, key, options);
  }

  /** Reads everything about an object but its bytes. */
  async getMetadata(
    bucket: string,
    key: string,
    options: CallOptions = {},
  ): Promise<ObjectMetadata> {
    this.#requireOpen("getMetadata");
    return await this.#reads.getMetadata(bucket, key, options);
  }

  /** Lists one page of a bucket; the next pages come from the same place. */
  async listObjects(bucket: string, options: ListOptions = {}): Promise<ObjectPage> {
    this.#requireOpen("listObjects");
    return await this.#reads.listObjects(bucket, options);
  }

  /** Lists a bucket, page by page. */
  iterateObjects(
    bucket: string,
    options: IterateOptions = {},
  ): AsyncIterableIterator<ObjectSummary> {
    return iteratePages(this, bucket, options);
  }

  /** Copies an object. */
  async copy(
    sourceBucket: string,
    sourceKey: string,
    destinationBucket: string,
    destinationKey: string,
    options: CallOptions = {},
  ): Promise<WrittenObject> {
    this.#requireOpen("copy");
    const from = { bucket: sourceBucket, key: sourceKey };
    const to = { bucket: destinationBucket, key: destinationKey };
    return await this.#writes.copy(from, to, options);
  }

  /** Makes a URL of the primary. What is written through it does not come to the replicas by itself. */
  async getPresignedUrl(
    bucket: string,
    key: string,
    options: PresignOptions = {},
  ): Promise<string> {
    this.#requireOpen("getPresignedUrl");
    return await this.#locations[0].storage.getPresignedUrl(bucket, key, options);
  }

  /** Makes a form of the primary. What is written through it does not come to the replicas by itself. */
  async getPresignedPost(
    bucket: string,
    key: string,
    options: PresignPostOptions,
  ): Promise<PresignedPost> {
    this.#requireOpen("getPresignedPost");
    return await this.#locations[0].storage.getPresignedPost(bucket, key, options);
  }

  /** Creates a bucket. */
  async createBucket(bucket: string, options: CallOptions = {}): Promise<void> {
    this.#requireOpen("createBucket");
    await this.#writes.createBucket(bucket, options);
  }

  /** Tells whether there is a bucket. */
  async bucketExists(bucket: string, options: CallOptions = {}): Promise<boolean> {
    this.#requireOpen("bucketExists");
    return await this.#reads.bucketExists(bucket, options);
  }

  /** Resolves with the health of all storages; rejects if the primary's is bad, for then nothing can be written. */
  async health(options: CallOptions = {}): Promise<Record<string, unknown>> {
    this.#requireOpen("health");
    const [primary, ...replicas] = await Promise.allSettled(
      this.#locations.map(({ storage }) => storage.health(options)),
    );
    if (primary?.status === "rejected") throw primary.reason;
    return {
      adapter: "replicated",
      primary: primary?.value,
      replicas: replicas.map((replica) => {
        return replica.status === "fulfilled" ? replica.value : { error: String(replica.reason) };
      }),
      underWay: this.#replication.underWay,
    };
  }

  /** Resolves when no replica is being written to. */
  settled(): Promise<void> {
    return this.#replication.settled();
  }

  /**
   * Makes the objects of a bucket on each replica those of the primary, and creates the bucket where it is
   * missing. Objects are compared by what they record, one request to each side; those that record no digest are
   * read. Writes may go on meanwhile. Resolves with what was found and done, a report for each replica; rejects if
   * the primary cannot be listed, and with code `aborted`.
   */
  async repair(bucket: string, options: RepairOptions = {}): Promise<readonly RepairedReplica[]> {
    this.#requireOpen("listObjects");
    const { prefix = "", signal, timeoutMs } = options;
    const [{ storage: primary }, ...replicas] = this.#locations;
    await primary.listObjects(bucket, { prefix, limit: 1, signal, timeoutMs });
    return await Promise.all(replicas.map(({ storage: replica }) => {
      return repairReplica({ primary, replica }, bucket, options);
    }));
  }

  /** Waits for the replicas, and closes all storages. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The same as {@linkcode ReplicatedStorageProvider.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#replication.end(CLOSE_MS);
    await Promise.all(this.#locations.map(({ storage }) => storage.close()));
  }

  #requireOpen(operation: StorageOperation): void {
    if (this.#closing) throw storageFailure(operation, "it is closed", { code: "closed" });
  }
}
