/**
 * Object storage for files, datasets and artifacts: the port {@linkcode StorageProvider}, keys of
 * the exchange, verified transfers, and the embedded adapters.
 *
 * ```ts
 * import { MemoryStorageProvider, StoragePath } from "@benchmark-exchange/infrastructure/storage";
 *
 * const storage = new MemoryStorageProvider();
 * await storage.createBucket("my-bucket");
 * const key = StoragePath.benchmarkDataset("bench-123", "1.0.0", "data.json");
 * await storage.upload("my-bucket", key, "file contents", { contentType: "application/json" });
 * const downloaded: Uint8Array = await storage.download("my-bucket", key);
 * ```
 *
 * @module
 */

export { StorageCall } from "./call.ts";
export * from "./datasets.ts";
export * from "./digest.ts";
export * from "./driver.ts";
export type { StorageOperation } from "./failures.ts";
export type { ListRequest } from "./listing.ts";
export {
  checkBucket,
  checkObjectKey,
  checkObjectPrefix,
  MAX_OBJECT_KEY_BYTES,
} from "./object_key.ts";
export * from "./portable.ts";
export type {
  DownloadRequest,
  PresignPostRequest,
  PresignRequest,
  UploadRequest,
} from "./requests.ts";
export * from "./storage.ts";
export * from "./storage_path.ts";
export * from "./verified.ts";
export type { WriteConditions } from "./write_conditions.ts";
export {
  type FileSystemStorageOptions,
  FileSystemStorageProvider,
  type PresignSettings,
} from "./adapters/filesystem.ts";
export * from "./adapters/memory.ts";
export * from "./adapters/replicated.ts";
