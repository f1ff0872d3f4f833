import type { StorageCall } from "../../call.ts";
import type { ObjectAddress } from "../../driver.ts";
import { mapConcurrently } from "../../map_concurrently.ts";
import type { DeleteResult } from "../../storage.ts";
import { asFailure } from "./failure.ts";
import { toStorageError } from "./s3_error.ts";
import type { S3Server } from "./server.ts";

/** How many keys one request deletes. Amazon takes 1,000; some servers take their time for each of them. */
const MAX_KEYS = 250;
/** How many requests are under way at once. */
const CONCURRENCY = 8;

/** Deletes objects, many with one request; what fails there is tried alone, and so has an error of its own. */
export async function removeObjects(
  call: StorageCall,
  server: S3Server,
  bucket: string,
  keys: readonly string[],
): Promise<DeleteResult[]> {
  const [key] = keys;
  if (key === undefined) return [];
  call.commit();
  if (keys.length === 1) {
    await removeObject(call, server, { bucket, key });
    return [{ key, deleted: true }];
  }
  const distinct = [...new Set(keys)];
  const batches = Array.from({ length: Math.ceil(distinct.length / MAX_KEYS) }, (_, i) => {
    return distinct.slice(i * MAX_KEYS, (i + 1) * MAX_KEYS);
  });
  const failed = (await mapConcurrently(batches, CONCURRENCY, (batch) => {
    return removeBatch(call, server, bucket, batch);
  })).flat();
  const results = new Map<string, DeleteResult>();
  await mapConcurrently(failed, CONCURRENCY, async (key) => {
    results.set(key, await tryAlone(call, server, { bucket, key }));
  });
  return keys.map((key) => results.get(key) ?? { key, deleted: true });
}

/** Deletes an object; it is none the worse for being gone already. */
async function removeObject(call: StorageCall, server: S3Server, at: ObjectAddress): Promise<void> {
  try {
    await server.sendOnly(call.signal, { method: "DELETE", ...at });
  } catch (error) {
    const failure = asFailure(error);
    if (failure?.status !== 404 || failure.reason === "NoSuchBucket") throw error;
  }
}

/** Resolves with the keys that were not deleted. */
async function removeBatch(
  call: StorageCall,
  server: S3Server,
  bucket: string,
  keys: readonly string[],
): Promise<readonly string[]> {
  try {
    const { Errors = [] } = await server.command(
      call.signal,
      (sdk) =>
        new sdk.DeleteObjectsCommand({
          Bucket: bucket,
          Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
        }),
    );
    return Errors.flatMap(({ Key }) => Key === undefined ? [] : [Key]);
  } catch (error) {
    const failure = asFailure(error);
    // Some servers do not know this request, or not the checksum that the SDK sends with it.
    if (failure?.status === 400 || failure?.status === 501) return keys;
    throw error;
  }
}

async function tryAlone(
  call: StorageCall,
  server: S3Server,
  at: ObjectAddress,
): Promise<DeleteResult> {
  try {
    await removeObject(call, server, at);
    return { key: at.key, deleted: true };
  } catch (error) {
    if (!asFailure(error)) throw error;
    return { key: at.key, deleted: false, error: toStorageError(error, call) };
  }
}
