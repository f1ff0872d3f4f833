import { dropBuckets, testBucket, withS3 } from "../tests/support/s3.ts";
import { startS3 } from "../tests/support/private_s3.ts";
import { findService } from "../tests/support/services.ts";

/** A bucket of the benchmark's own. */
export interface StorageFixture extends AsyncDisposable {
  /** The server, with the access key. */
  readonly url: string;
  readonly bucket: string;
}

/** Creates the bucket on the server that tests use, or else on one of the benchmark's own. */
export async function openStorageFixture(): Promise<StorageFixture> {
  const service = await findService("s3");
  const server = "url" in service ? undefined : await startS3();
  const url = server ? server.url : (service as { url: string }).url;
  const bucket = testBucket();
  await withS3(url, async (client) => {
    const { CreateBucketCommand } = await import("@aws-sdk/client-s3");
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });
  const close = async (): Promise<void> => {
    await dropBuckets(url, bucket);
    await server?.[Symbol.asyncDispose]();
  };
  return { url, bucket, [Symbol.asyncDispose]: close };
}
