import { type S3StorageConfig, S3StorageProvider } from "../../storage/adapters/s3.ts";
import { HttpProxy } from "./http_proxy.ts";
import { dropBuckets, testBucket } from "./s3.ts";
import { s3Config } from "./s3_storage.ts";

/** What a fault test works with. */
export interface ProxiedS3 {
  /** A provider that reaches the server through the proxy. */
  readonly storage: S3StorageProvider;
  /** One that reaches it directly. */
  readonly direct: S3StorageProvider;
  readonly proxy: HttpProxy;
  /** A bucket of the test's own. */
  readonly bucket: string;
  /** How many requests the proxy saw that match. */
  readonly count: (match: RegExp) => number;
}

/** What the server of the tests does, so that nothing has to be measured. */
const CAPABILITIES = {
  createOnly: true,
  ifMatch: true,
  presignedUrls: true,
  presignedPosts: true,
};

/** Puts a proxy in front of the server at `url`, for one test. */
export async function withProxiedS3(
  url: string,
  use: (parts: ProxiedS3) => Promise<void>,
  config: Partial<S3StorageConfig> = {},
): Promise<void> {
  const { endpoint = "", ...rest } = s3Config(url);
  const known = { ...rest, capabilities: CAPABILITIES };
  await using proxy = await HttpProxy.start(endpoint);
  const direct = new S3StorageProvider({ ...known, endpoint });
  const storage = new S3StorageProvider({ ...known, endpoint: proxy.url, ...config });
  const bucket = testBucket();
  const count = (match: RegExp): number =>
    proxy.requests.filter(({ method, target }) => match.test(`${method} ${target}`)).length;
  try {
    await direct.createBucket(bucket);
    await use({ storage, direct, proxy, bucket, count });
  } finally {
    await storage.close();
    await direct.close();
    await dropBuckets(url, bucket);
  }
}
