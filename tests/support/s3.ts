import type { S3Client } from "@aws-sdk/client-s3";
import { runName } from "./postgres.ts";

/** What a client needs to know about a server. */
export interface S3Access {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What a server takes for its region unless it is told otherwise. */
const REGION = "us-east-1";

/**
 * Reads a URL of the form `http://accessKey:secret@host:port?region=us-east-1`, in which tests hand
 * on all that there is to know about a server. Throws without ever showing the URL.
 */
export function s3Access(url: string): S3Access {
  try {
    const { protocol, host, pathname, username, password, searchParams } = new URL(url);
    return {
      endpoint: `${protocol}//${host}${pathname.replace(/\/$/, "")}`,
      region: searchParams.get("region") ?? REGION,
      accessKeyId: decodeURIComponent(username),
      secretAccessKey: decodeURIComponent(password),
    };
  } catch {
    throw new Error("the URL is malformed");
  }
}

/** The variables with which the library finds the server of a URL that tests hand on. */
export function s3Variables(url: string): Record<string, string> {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3Access(url);
  return {
    S3_ENDPOINT: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

/** The reverse of {@linkcode s3Variables}. */
export function s3Url(variables: Readonly<Record<string, string | undefined>>): string | undefined {
  const { S3_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = variables;
  if (!S3_ENDPOINT || !URL.canParse(S3_ENDPOINT)) return S3_ENDPOINT;
  const url = new URL(S3_ENDPOINT);
  url.username = encodeURIComponent(AWS_ACCESS_KEY_ID ?? "");
  url.password = encodeURIComponent(AWS_SECRET_ACCESS_KEY ?? "");
  if (AWS_REGION) url.searchParams.set("region", AWS_REGION);
  return url.href;
}

/** Uses a client of the server at `url`, without our library, and closes it whatever happens. */
export async function withS3<T>(url: string, use: (client: S3Client) => Promise<T>): Promise<T> {
  const { endpoint, region, ...credentials } = s3Access(url);
  // Loaded late, because most test files that know of servers do not need this one.
  const { S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client({
    endpoint,
    region,
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

/** Resolves when a server at `url` accepts the access key within five seconds. */
export async function probeS3(url: string): Promise<void> {
  const { ListBucketsCommand } = await import("@aws-sdk/client-s3");
  const abortSignal = AbortSignal.timeout(5_000);
  await withS3(url, (client) => client.send(new ListBucketsCommand({}), { abortSignal }))
    .catch((error: Error) => {
      // Ceph gives its errors a code and no text.
      if (error.message === "UnknownError") error.message = error.name;
      throw error;
    });
}

/** The name of a bucket, or a prefix of names, for one suite on a server that others may use. */
export function testBucket(): string {
  return `${bucketPrefix(runName())}${crypto.randomUUID().slice(-12)}`;
}

/** Deletes the buckets that killed test files of a run left on the server at `url`. */
export async function dropLeftBuckets(url: string, run: string): Promise<void> {
  await dropBuckets(url, bucketPrefix(run));
}

/** Deletes the buckets whose names begin with a prefix, whatever is in them. */
export async function dropBuckets(url: string, prefix: string): Promise<void> {
  const { DeleteBucketCommand, paginateListBuckets } = await import("@aws-sdk/client-s3");
  await withS3(url, async (client) => {
    for await (const { Buckets = [] } of paginateListBuckets({ client }, {})) {
      for (const { Name: bucket = "" } of Buckets) {
        if (!bucket.startsWith(prefix)) continue;
        await deleteObjects(client, bucket);
        // Uploads that nobody has finished go away with it.
        await client.send(new DeleteBucketCommand({ Bucket: bucket }));
      }
    }
  });
}

async function deleteObjects(client: S3Client, bucket: string): Promise<void> {
  const { DeleteObjectsCommand, paginateListObjectsV2 } = await import("@aws-sdk/client-s3");
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket })) {
    if (Contents.length === 0) continue;
    const Delete = { Objects: Contents.map(({ Key }) => ({ Key })), Quiet: true };
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }));
    if (Errors[0]) throw new Error(`Cannot delete ${Errors[0].Key}: ${Errors[0].Code}`);
  }
}

function bucketPrefix(run: string): string {
  return `t-${run}-`;
}
