import type { InfrastructureError } from "../core/errors.ts";
import type { StorageCall } from "./call.ts";
import type { ListRequest } from "./listing.ts";
import type {
  DownloadRequest,
  PresignPostRequest,
  PresignRequest,
  UploadRequest,
} from "./requests.ts";
import type {
  DeleteResult,
  ObjectMetadata,
  ObjectPage,
  ObjectStream,
  PresignedPost,
  StorageCapabilities,
  WrittenObject,
} from "./storage.ts";

/** Where an object lies; bucket and key were checked. */
export interface ObjectAddress {
  /** The bucket. */
  readonly bucket: string;
  /** The key in the bucket. */
  readonly key: string;
}

/**
 * The part of a provider that differs from server to server; {@linkcode PortableStorageProvider}
 * adds what all have in common. An adapter author writes one of these.
 *
 * All input was checked, and nothing is called after `close`. What a method must do is what the
 * sentences of `StorageProvider` say about the method of the port. A method calls `call.commit()`
 * right before the step that can have an effect, and stops what it does when `call.signal` fires; the
 * caller's waiting has ended then.
 */
export interface StorageDriver {
  /** What this driver can do. */
  readonly capabilities: StorageCapabilities;
  /** Writes an object from the chunks of the request. */
  put(call: StorageCall, to: ObjectAddress, request: UploadRequest): Promise<WrittenObject>;
  /** Opens an object for reading; the body ends when one of the request's signals fires. */
  open(call: StorageCall, from: ObjectAddress, request: DownloadRequest): Promise<ObjectStream>;
  /** Reads everything about an object but its bytes; `undefined` if it or its bucket is missing. */
  stat(call: StorageCall, at: ObjectAddress): Promise<ObjectMetadata | undefined>;
  /** Deletes objects of a bucket. */
  remove(call: StorageCall, bucket: string, keys: readonly string[]): Promise<DeleteResult[]>;
  /** Lists one page. */
  list(call: StorageCall, bucket: string, request: ListRequest): Promise<ObjectPage>;
  /** Copies an object. */
  copy(call: StorageCall, from: ObjectAddress, to: ObjectAddress): Promise<WrittenObject>;
  /** Makes a presigned URL, or rejects with code `unsupported`. */
  presign(call: StorageCall, at: ObjectAddress, request: PresignRequest): Promise<string>;
  /** Makes a presigned form, or rejects with code `unsupported`. */
  presignPost(
    call: StorageCall,
    at: ObjectAddress,
    request: PresignPostRequest,
  ): Promise<PresignedPost>;
  /** Creates a bucket. */
  createBucket(call: StorageCall, bucket: string): Promise<void>;
  /** Tells whether there is a bucket. */
  bucketExists(call: StorageCall, bucket: string): Promise<boolean>;
  /** Resolves with what is worth showing, or rejects. */
  health(call: StorageCall): Promise<Record<string, unknown>>;
  /** Gives up what the driver holds; called once. */
  close(): Promise<void>;
  /**
   * Turns what a server or the system threw into an error of this library. Called once for each
   * failure that is not one already.
   */
  toError(error: unknown, call: StorageCall): InfrastructureError;
}
