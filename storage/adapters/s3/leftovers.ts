import type { StorageCall } from "../../call.ts";
import { mapConcurrently } from "../../map_concurrently.ts";
import { RESERVED_PREFIX } from "../../object_key.ts";
import { asFailure } from "./failure.ts";
import { readPage, type ServerPage } from "./listing.ts";
import { removeObjects } from "./removal.ts";
import type { S3Server } from "./server.ts";

/** What was left behind and is gone now. */
export interface CleanedUploads {
  /** Uploads in parts that nobody completed or gave up. */
  readonly uploads: number;
  /** Objects that were staged, or that measured the server. */
  readonly objects: number;
}

interface UnfinishedUpload {
  readonly key: string;
  readonly uploadId: string;
}

const CONCURRENCY = 8;

/** Removes what uploads of dead processes left in a bucket: what began before `beforeMs`. */
export async function removeLeftovers(
  call: StorageCall,
  server: S3Server,
  bucket: string,
  beforeMs: number,
): Promise<CleanedUploads> {
  call.commit();
  let uploads = 0;
  for await (const page of unfinishedUploads(call, server, bucket, beforeMs)) {
    const removed = await mapConcurrently(page, CONCURRENCY, (upload) => {
      return giveUp(call, server, bucket, upload);
    });
    uploads += removed.filter(Boolean).length;
  }
  const objects = await ownObjects(call, server, bucket, beforeMs);
  for (const result of await removeObjects(call, server, bucket, objects)) {
    if (!result.deleted) throw result.error;
  }
  return { uploads, objects: objects.length };
}

/** Tells whether there was still something to give up: somebody else may have come first. */
async function giveUp(
  call: StorageCall,
  server: S3Server,
  bucket: string,
  { key, uploadId }: UnfinishedUpload,
): Promise<boolean> {
  try {
    await server.sendOnly(call.signal, { method: "DELETE", bucket, key, query: { uploadId } });
    return true;
  } catch (error) {
    if (asFailure(error)?.reason === "NoSuchUpload") return false;
    throw error;
  }
}

async function* unfinishedUploads(
  call: StorageCall,
  server: S3Server,
  bucket: string,
  beforeMs: number,
): AsyncGenerator<readonly UnfinishedUpload[]> {
  let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (marker) {
    const from: { KeyMarker?: string; UploadIdMarker?: string } = marker;
    const page = await server.command(
      call.signal,
      (sdk) => new sdk.ListMultipartUploadsCommand({ Bucket: bucket, ...from }),
    );
    const old = (page.Uploads ?? []).filter(({ Initiated }) => {
      return Initiated !== undefined && Initiated.getTime() < beforeMs;
    });
    yield old.map(({ Key = "", UploadId = "" }) => ({ key: Key, uploadId: UploadId }));
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    marker = page.IsTruncated && KeyMarker
      ? { KeyMarker, ...(UploadIdMarker ? { UploadIdMarker } : {}) }
      : undefined;
  }
}

/** Keys of objects that only the library knows of. */
async function ownObjects(
  call: StorageCall,
  server: S3Server,
  bucket: string,
  beforeMs: number,
): Promise<string[]> {
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page: ServerPage = await readPage(call, server, bucket, {
      prefix: RESERVED_PREFIX,
      token,
    });
    for (const { key, lastModified } of page.items) {
      const modifiedMs = lastModified.getTime();
      // It is 0 where the server tells no time.
      if (modifiedMs > 0 && modifiedMs < beforeMs) keys.push(key);
    }
    token = page.token;
  } while (token !== undefined);
  return keys;
}
