import type { CallOptions } from "../../../core/call_options.ts";
import { InfrastructureError, IntegrityError, NotFoundError } from "../../../core/errors.ts";
import { digestBody } from "../../body.ts";
import type { ObjectAddress } from "../../driver.ts";
import { storageFailure } from "../../failures.ts";
import { findObject } from "../../find_object.ts";
import { uploadRecorded } from "../../recorded_upload.ts";
import type { ObjectMetadata, StorageProvider } from "../../storage.ts";
import { RECORD, recordedDigest, userMetadata } from "./record.ts";

/** What {@linkcode synchronize} did; `extra` is what the primary lacks and was to be kept. */
export type Synchronized = "same" | "copied" | "removed" | "extra";

/** How to synchronize. The deadline holds for each step. */
export interface SynchronizeOptions extends CallOptions {
  /** Whether to remove from the replica what the primary lacks. */
  readonly removeExtra: boolean;
}

/** A storage whose object is to be made that of another. */
export interface Pair {
  /** Has what is right. */
  readonly primary: StorageProvider;
  /** Gets it. */
  readonly replica: StorageProvider;
}

/** The digest of a version that was read to its end. */
interface ReadVersion {
  readonly etag: string;
  readonly sha256: string;
}

/** An object that changes that often meanwhile is somebody else's turn. */
const MAX_ROUNDS = 10;

/**
 * Makes an object of the replica what that of the primary is. Several may do so at once: whoever has changed
 * the replica looks at the primary again, so the last one to change it found there what it had written.
 */
export async function synchronize(
  { primary, replica }: Pair,
  address: ObjectAddress,
  { removeExtra, ...limits }: SynchronizeOptions,
): Promise<Synchronized> {
  let done: Synchronized = "same";
  let read: ReadVersion | undefined;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const original = await findObject(primary, address, limits);
    const copy = await findObject(replica, address, limits).catch(ifDamaged);
    if (original === undefined) {
      if (copy === undefined) return done;
      if (!removeExtra) return "extra";
      await replica.delete(address.bucket, address.key, limits);
      done = "removed";
      continue;
    }
    if (typeof copy === "object" && isDescribedAlike(original, copy)) {
      if (digestOf(original, read) === undefined) {
        read = await readVersion(primary, address, limits);
      }
      const digest = digestOf(original, read);
      if (digest !== undefined && digest === recordedDigest(copy)) return done;
    }
    read = await copyObject({ primary, replica }, address, limits);
    if (read) done = "copied";
  }
  throw storageFailure("copy", "its source is changed again and again", {
    code: "conflict",
    retryable: true,
    outcome: "unknown",
  });
}

/** What is damaged is like nothing, but there. */
function ifDamaged(error: unknown): "damaged" {
  if (error instanceof IntegrityError) return "damaged";
  throw error;
}

/** What was not written through the replicated provider records no digest, and has to be read for it. */
function digestOf(original: ObjectMetadata, read: ReadVersion | undefined): string | undefined {
  return recordedDigest(original) ?? (read?.etag === original.etag ? read?.sha256 : undefined);
}

/** Resolves with nothing if the object was changed while it was read. */
function readVersion(
  primary: StorageProvider,
  address: ObjectAddress,
  limits: CallOptions,
): Promise<ReadVersion | undefined> {
  return unlessChanged(async () => {
    const { metadata, body } = await primary.downloadStream(address.bucket, address.key, limits);
    const signal = limits.signal ?? new AbortController().signal;
    const { sha256 } = await digestBody(body, { size: metadata.size, signal });
    return { etag: metadata.etag, sha256 };
  });
}

/** Resolves with nothing if the object was changed while it was copied. */
function copyObject(
  { primary, replica }: Pair,
  address: ObjectAddress,
  limits: CallOptions,
): Promise<ReadVersion | undefined> {
  return unlessChanged(async () => {
    const { metadata, body } = await primary.downloadStream(address.bucket, address.key, limits);
    const recorded = recordedDigest(metadata);
    const { sha256 } = await uploadRecorded(replica, address, body, {
      ...limits,
      size: metadata.size,
      contentType: metadata.contentType,
      metadata: userMetadata(metadata),
      record: RECORD,
      ...(recorded !== undefined && { sha256: recorded }),
    });
    return { etag: metadata.etag, sha256 };
  });
}

async function unlessChanged<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const isGone = error instanceof NotFoundError && error.resource === "object";
    const isReplaced = error instanceof InfrastructureError && error.code === "conflict";
    if (isGone || isReplaced) return undefined;
    throw error;
  }
}

function isDescribedAlike(one: ObjectMetadata, other: ObjectMetadata): boolean {
  return one.contentType === other.contentType && entriesOf(one) === entriesOf(other);
}

function entriesOf(metadata: ObjectMetadata): string {
  return JSON.stringify(Object.entries(userMetadata(metadata)).sort());
}
