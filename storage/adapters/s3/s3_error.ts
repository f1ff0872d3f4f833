import { InfrastructureError } from "../../../core/errors.ts";
import type { StorageCall } from "../../call.ts";
import {
  missing,
  notIntact,
  objectExists,
  otherVersion,
  storageFailure,
  type StorageOperation,
} from "../../failures.ts";
import type { WriteConditions } from "../../write_conditions.ts";
import { asFailure, type S3Failure } from "./failure.ts";

/** Turns what the server or the way to it did into an error of this library. */
export function toStorageError(error: unknown, call: StorageCall): InfrastructureError {
  if (error instanceof InfrastructureError) return error;
  const failure = asFailure(error);
  const { operation } = call;
  if (!failure) {
    // The SDK or the caller's function for credentials: what they say is not known to be free of secrets.
    const name = error instanceof Error && /^\w+$/.test(error.name) ? ` (${error.name})` : "";
    const why = `the request could not be made${name}`;
    return storageFailure(operation, why, { code: "internal", outcome: call.outcome });
  }
  if (failure.reason === "NoSuchUpload") {
    const why = "what was written of it was removed meanwhile";
    return storageFailure(operation, why, { code: "conflict", retryable: true });
  }
  if (failure.status === 404) return missing(operation, missingThing(operation, failure));
  const { code, isTransient: retryable, message } = failure;
  if (DAMAGED_ON_THE_WAY.has(failure.reason)) return notIntact(operation, message);
  const mayHaveWorked = failure.mayHaveWorked && call.outcome === "unknown";
  return storageFailure(operation, message, {
    code,
    retryable,
    outcome: mayHaveWorked ? "unknown" : "not-applied",
  });
}

/** The error of a conditional write whose condition does not hold, if that is what the failure tells. */
export function conditionError(
  operation: StorageOperation,
  failure: S3Failure,
  { createOnly, ifMatch }: WriteConditions,
): InfrastructureError | undefined {
  const { status, reason } = failure;
  if (createOnly && status === 412) return objectExists(operation);
  const isGone = status === 404 && reason !== "NoSuchBucket" && reason !== "NoSuchUpload";
  if (ifMatch !== undefined && (status === 412 || isGone)) return otherVersion(operation);
}

function missingThing(operation: StorageOperation, { reason }: S3Failure): "object" | "bucket" {
  if (reason === "NoSuchBucket") return "bucket";
  return ABOUT_BUCKETS.has(operation) ? "bucket" : "object";
}

const ABOUT_BUCKETS: ReadonlySet<StorageOperation> = new Set([
  "upload",
  "delete",
  "deleteBatch",
  "listObjects",
  "createBucket",
  "bucketExists",
]);

/** The server got other bytes than were signed. */
const DAMAGED_ON_THE_WAY = new Set(["BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody"]);
