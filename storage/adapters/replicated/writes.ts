import type { CallOptions } from "../../../core/call_options.ts";
import { InfrastructureError } from "../../../core/errors.ts";
import { DEFAULT_TIMEOUT_MS, shareDeadline, TRANSFER_TIMEOUT_MS } from "../../call.ts";
import type { ObjectAddress } from "../../driver.ts";
import type { StorageOperation } from "../../failures.ts";
import { mapConcurrently } from "../../map_concurrently.ts";
import { uploadRecorded } from "../../recorded_upload.ts";
import type {
  DeleteResult,
  StorageBody,
  StorageProvider,
  UploadOptions,
  WrittenObject,
} from "../../storage.ts";
import { RECORD } from "./record.ts";
import type { Replication } from "./replication.ts";
import { synchronize } from "./synchronize.ts";

/** How many keys of a batch are looked at at once on each replica. */
const BATCH_CONCURRENCY = 16;

/** What a {@linkcode ReplicatedStorageProvider} writes: first the primary, then the replicas. */
export class ReplicatedWrites {
  readonly #primary: StorageProvider;
  readonly #replication: Replication;

  /** Writes to the primary, and has the replicas follow. */
  constructor(primary: StorageProvider, replication: Replication) {
    this.#primary = primary;
    this.#replication = replication;
  }

  /** Writes an object. */
  async upload(
    to: ObjectAddress,
    data: StorageBody,
    options: UploadOptions,
  ): Promise<WrittenObject> {
    const left = shareDeadline(options, TRANSFER_TIMEOUT_MS);
    const recorded = { ...options, ...left(), record: RECORD };
    const { etag, size } = await uploadRecorded(this.#primary, to, data, recorded);
    await this.#follow("upload", to, left());
    return { etag, size };
  }

  /** Deletes an object. */
  async delete(bucket: string, key: string, options: CallOptions): Promise<void> {
    const left = shareDeadline(options, DEFAULT_TIMEOUT_MS);
    await this.#primary.delete(bucket, key, left());
    await this.#follow("delete", { bucket, key }, left());
  }

  /** Deletes many objects. When too few replicas follow, each key has that as its result. */
  async deleteBatch(
    bucket: string,
    keys: readonly string[],
    options: CallOptions,
  ): Promise<readonly DeleteResult[]> {
    const left = shareDeadline(options, TRANSFER_TIMEOUT_MS);
    const results = await this.#primary.deleteBatch(bucket, keys, left());
    const deleted = new Set(results.filter((result) => result.deleted).map(({ key }) => key));
    const run = (replica: StorageProvider, signal: AbortSignal): Promise<void> => {
      return this.#synchronizeAll(replica, bucket, [...deleted], signal);
    };
    try {
      await this.#replication.start({ operation: "deleteBatch", bucket, run }, left());
      return results;
    } catch (error) {
      if (!(error instanceof InfrastructureError)) throw error;
      return results.map((result) => ({ error, ...result, deleted: false }));
    }
  }

  /** Copies an object. */
  async copy(
    from: ObjectAddress,
    to: ObjectAddress,
    options: CallOptions,
  ): Promise<WrittenObject> {
    const left = shareDeadline(options, TRANSFER_TIMEOUT_MS);
    const written = await this.#primary.copy(from.bucket, from.key, to.bucket, to.key, left());
    await this.#follow("copy", to, left());
    return written;
  }

  /** Creates a bucket. */
  async createBucket(bucket: string, options: CallOptions): Promise<void> {
    const left = shareDeadline(options, DEFAULT_TIMEOUT_MS);
    await this.#primary.createBucket(bucket, left());
    const run = (replica: StorageProvider, signal: AbortSignal): Promise<void> => {
      return replica.createBucket(bucket, { signal });
    };
    await this.#replication.start({ operation: "createBucket", bucket, run }, left());
  }

  /** Has the replicas follow in one object. */
  #follow(operation: StorageOperation, to: ObjectAddress, limits: CallOptions): Promise<void> {
    const run = (replica: StorageProvider, signal: AbortSignal): Promise<unknown> => {
      return synchronize({ primary: this.#primary, replica }, to, { signal, removeExtra: true });
    };
    return this.#replication.start({ operation, ...to, run }, limits);
  }

  async #synchronizeAll(
    replica: StorageProvider,
    bucket: string,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const pair = { primary: this.#primary, replica };
    const failures: unknown[] = [];
    await mapConcurrently(keys, BATCH_CONCURRENCY, async (key) => {
      await synchronize(pair, { bucket, key }, { signal, removeExtra: true })
        .catch((error) => failures.push(error));
    });
    if (failures.length > 0) throw failures[0];
  }
}
