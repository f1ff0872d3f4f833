import type { CallOptions } from "../core/call_options.ts";
import { NotFoundError } from "../core/errors.ts";
import type { ObjectAddress } from "./driver.ts";
import type { ObjectMetadata, StorageProvider } from "./storage.ts";

/** Everything about an object but its bytes; `undefined` if it or its bucket is missing. */
export async function findObject(
  storage: StorageProvider,
  { bucket, key }: ObjectAddress,
  limits: CallOptions,
): Promise<ObjectMetadata | undefined> {
  try {
    return await storage.getMetadata(bucket, key, limits);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
