import { type S3StorageConfig, S3StorageProvider } from "../../storage/adapters/s3.ts";
import { dropBuckets, s3Access, testBucket } from "./s3.ts";

/** How the library reaches the server of a URL that tests hand on. */
export function s3Config(url: string): S3StorageConfig {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3Access(url);
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
}

/** A provider for the server at `url`, and a bucket of its own there; both go away in the end. */
export async function withStorage(
  url: string,
  use: (storage: S3StorageProvider, bucket: string) => Promise<void>,
  config: Partial<S3StorageConfig> = {},
): Promise<void> {
  const storage = new S3StorageProvider({ ...s3Config(url), ...config });
  const bucket = testBucket();
  try {
    await storage.createBucket(bucket);
    await use(storage, bucket);
  } finally {
    await storage.close();
    await dropBuckets(url, bucket);
  }
}
