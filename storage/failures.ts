import {
  InfrastructureError,
  IntegrityError,
  NotFoundError,
  StorageError,
  type StorageErrorDetails,
} from "../core/errors.ts";
import type { StorageCapabilities, StorageProvider } from "./storage.ts";

/** A method of the port, or of the S3 adapter besides, that can fail. */
export type StorageOperation =
  | Exclude<
    keyof StorageProvider,
    "capabilities" | "iterateObjects" | "close" | typeof Symbol.asyncDispose
  >
  | "probe"
  | "cleanUpUploads";

/** What each method does, as errors say it. */
const PURPOSES: Readonly<Record<StorageOperation, string>> = {
  upload: "upload the object",
  download: "download the object",
  downloadStream: "download the object",
  delete: "delete the object",
  deleteBatch: "delete the objects",
  exists: "look for the object",
  getMetadata: "read the metadata of the object",
  listObjects: "list the objects",
  copy: "copy the object",
  getPresignedUrl: "presign a URL",
  getPresignedPost: "presign a form",
  createBucket: "create the bucket",
  bucketExists: "look for the bucket",
  health: "check the storage",
  probe: "measure the storage",
  cleanUpUploads: "clean up uploads",
};

/** What `InfrastructureError.operation` says, such as `StorageProvider.upload`. */
export function operationName(operation: StorageOperation): string {
  return `StorageProvider.${operation}`;
}

/** An error whose text is "Cannot <do what the operation does>: <why>". */
export function storageFailure(
  operation: StorageOperation,
  why: string,
  details: Omit<StorageErrorDetails, "operation">,
): StorageError {
  return new StorageError(`Cannot ${PURPOSES[operation]}: ${why}`, {
    ...details,
    operation: operationName(operation),
  });
}

/** There is no such object, or no such bucket. */
export function missing(operation: StorageOperation, what: "object" | "bucket"): NotFoundError {
  return new NotFoundError(what, { operation: operationName(operation) });
}

/** The bytes of an object are not those that were written. */
export function notIntact(
  operation: StorageOperation,
  why: string,
  details: { readonly key?: string; readonly cause?: unknown } = {},
): IntegrityError {
  return new IntegrityError(`Cannot ${PURPOSES[operation]}: ${why}`, {
    ...details,
    operation: operationName(operation),
  });
}

/** What is stored under the key is not what was written. */
export function damaged(operation: StorageOperation, key: string): IntegrityError {
  return notIntact(operation, `what is stored of ${JSON.stringify(key)} is damaged`, { key });
}

/** `createOnly` met an object. */
export function objectExists(operation: StorageOperation): StorageError {
  return storageFailure(operation, "its key is taken", { code: "already_exists" });
}

/** `ifMatch` met another version, or none. */
export function otherVersion(operation: StorageOperation): StorageError {
  return storageFailure(operation, "it is not at the expected version", { code: "conflict" });
}

/** The provider lacks the capability. */
export function unsupported(
  operation: StorageOperation,
  capability: keyof StorageCapabilities,
): StorageError {
  const why = `this storage does not support ${capability}`;
  return storageFailure(operation, why, { code: "unsupported" });
}

/** What the caller gave to be read failed; an error of this library is passed on as it is. */
export function sourceFailed(error: unknown): InfrastructureError {
  if (error instanceof InfrastructureError) return error;
  return storageFailure("upload", "its source failed", { code: "internal", cause: error });
}
