import type { InfrastructureError } from "../../../core/errors.ts";
import { StorageCall } from "../../call.ts";
import type { ObjectAddress, StorageDriver } from "../../driver.ts";
import { unsupported } from "../../failures.ts";
import type { ListRequest } from "../../listing.ts";
import type {
  DownloadRequest,
  PresignPostRequest,
  PresignRequest,
  UploadRequest,
} from "../../requests.ts";
import type {
  DeleteResult,
  ObjectMetadata,
  ObjectPage,
  ObjectStream,
  PresignedPost,
  StorageCapabilities,
  WrittenObject,
} from "../../storage.ts";
import { isConditional } from "../../write_conditions.ts";
import { EVERYTHING, type S3Settings } from "./config.ts";
import { Copies } from "./copies.ts";
import { asFailure } from "./failure.ts";
import { type CleanedUploads, removeLeftovers } from "./leftovers.ts";
import { listObjects } from "./listing.ts";
import { ObjectReader } from "./object_reader.ts";
import { Presigning } from "./presigning.ts";
import { Probe, type S3Probe } from "./probe.ts";
import { removeObjects } from "./removal.ts";
import { toStorageError } from "./s3_error.ts";
import { S3Server } from "./server.ts";
import { Uploads } from "./uploads.ts";

type Conditions = Pick<StorageCapabilities, "createOnly" | "ifMatch">;

/** Keeps objects on an S3 server. */
export class S3Driver implements StorageDriver {
  readonly #server: S3Server;
  readonly #reader: ObjectReader;
  readonly #copies: Copies;
  readonly #uploads: Uploads;
  readonly #presigning: Presigning;
  readonly #probe: Probe;
  #known: Partial<StorageCapabilities>;
  #measuring: Promise<Conditions> | undefined;

  /** Creates the driver; connects when it is first used. */
  constructor(settings: S3Settings) {
    this.#server = new S3Server(settings);
    this.#reader = new ObjectReader(this.#server);
    const tools = { server: this.#server, reader: this.#reader };
    this.#copies = new Copies(tools);
    this.#uploads = new Uploads(tools, this.#copies);
    this.#presigning = new Presigning(this.#server.signer, settings);
    this.#probe = new Probe(tools);
    this.#known = settings.capabilities;
  }

  /** What is known of the server; what is not counts as done, until it is measured. */
  get capabilities(): StorageCapabilities {
    return { ...EVERYTHING, ...this.#known };
  }

  /** Writes an object. */
  async put(call: StorageCall, to: ObjectAddress, request: UploadRequest): Promise<WrittenObject> {
    if (isConditional(request)) {
      const { createOnly, ifMatch } = await this.#conditions(call, to.bucket);
      if (request.createOnly && !createOnly) throw unsupported(call.operation, "createOnly");
      if (request.ifMatch !== undefined && !ifMatch) throw unsupported(call.operation, "ifMatch");
    }
    return await this.#uploads.put(call, to, request);
  }

  /** Opens an object. */
  open(call: StorageCall, from: ObjectAddress, request: DownloadRequest): Promise<ObjectStream> {
    return this.#reader.open(call, from, request);
  }

  /** Reads everything about an object but its bytes. */
  async stat(call: StorageCall, at: ObjectAddress): Promise<ObjectMetadata | undefined> {
    const found = await this.#reader.stat(call, at);
    if (!found) return undefined;
    const { mark: _, ...metadata } = found;
    return metadata;
  }

  /** Deletes objects. */
  remove(call: StorageCall, bucket: string, keys: readonly string[]): Promise<DeleteResult[]> {
    return removeObjects(call, this.#server, bucket, keys);
  }

  /** Lists one page. */
  list(call: StorageCall, bucket: string, request: ListRequest): Promise<ObjectPage> {
    return listObjects(call, this.#server, bucket, request);
  }

  /** Copies an object. */
  copy(call: StorageCall, from: ObjectAddress, to: ObjectAddress): Promise<WrittenObject> {
    return this.#copies.copy(call, from, to);
  }

  /** Makes a presigned URL. */
  presign(call: StorageCall, at: ObjectAddress, request: PresignRequest): Promise<string> {
    if (!this.capabilities.presignedUrls) throw unsupported(call.operation, "presignedUrls");
    return this.#presigning.url(at, request);
  }

  /** Makes a presigned form. */
  presignPost(
    call: StorageCall,
    at: ObjectAddress,
    request: PresignPostRequest,
  ): Promise<PresignedPost> {
    if (!this.capabilities.presignedPosts) throw unsupported(call.operation, "presignedPosts");
    return this.#presigning.post(at, request);
  }

  /** Creates a bucket. */
  async createBucket(call: StorageCall, bucket: string): Promise<void> {
    const { bucketRegion } = this.#server.settings;
    call.commit();
    try {
      if (bucketRegion === undefined) {
        // The SDK would name the region by itself.
        await this.#server.sendOnly(call.signal, { method: "PUT", bucket });
        return;
      }
      const place = { LocationConstraint: bucketRegion as "eu-west-1" };
      await this.#server.command(
        call.signal,
        (sdk) => new sdk.CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: place }),
      );
    } catch (error) {
      if (asFailure(error)?.reason !== "BucketAlreadyOwnedByYou") throw error;
    }
  }

  /** Tells whether there is a bucket. */
  async bucketExists(call: StorageCall, bucket: string): Promise<boolean> {
    try {
      await this.#server.sendOnly(call.signal, { method: "HEAD", bucket });
      return true;
    } catch (error) {
      if (asFailure(error)?.status === 404) return false;
      throw error;
    }
  }

  /** Asks for the buckets; who may not list them is known to the server all the same. */
  async health(call: StorageCall): Promise<Record<string, unknown>> {
    const { endpoint, region } = this.#server.settings;
    try {
      await this.#server.sendOnly(call.signal, { method: "GET" });
    } catch (error) {
      if (asFailure(error)?.code !== "permission_denied") throw error;
    }
    return { adapter: "s3", host: endpoint.host, region };
  }

  /** Measures what the server does, and goes by that from now on. */
  async probe(call: StorageCall, bucket: string): Promise<S3Probe> {
    const probe = await this.#probe.measure(call, bucket);
    const { createOnly, ifMatch, presignedUrls, presignedPosts } = probe;
    this.#known = { createOnly, ifMatch, presignedUrls, presignedPosts };
    return probe;
  }

  /** Removes what dead uploads left. */
  cleanUp(call: StorageCall, bucket: string, olderThanMs: number): Promise<CleanedUploads> {
    const beforeMs = this.#server.signer.now() - olderThanMs;
    return removeLeftovers(call, this.#server, bucket, beforeMs);
  }

  /** Waits for uploads that are being given up. */
  async close(): Promise<void> {
    await this.#server.close();
  }

  /** Maps a failure. */
  toError(error: unknown, call: StorageCall): InfrastructureError {
    return toStorageError(error, call);
  }

  /** Which conditions hold; measured once unless they are known, so that none is ever ignored. */
  async #conditions(call: StorageCall, bucket: string): Promise<Conditions> {
    const { createOnly, ifMatch } = this.#known;
    if (createOnly !== undefined && ifMatch !== undefined) return { createOnly, ifMatch };
    // It is measured for all who wait, so it does not end with the first of them.
    const measuring = new StorageCall(call.operation);
    this.#measuring ??= this.#probe.measureConditions(measuring, bucket).finally(() => {
      this.#measuring = undefined;
    });
    this.#known = { ...await this.#measuring, ...this.#known };
    return this.capabilities;
  }
}
