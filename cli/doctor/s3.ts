import type { Environment } from "../../core/environment.ts";
import { StorageError } from "../../core/errors.ts";
import type { S3StorageProvider } from "../../storage/adapters/s3.ts";
import { readS3Environment } from "../../storage/s3_environment.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { roundTrips } from "./round_trips.ts";

/** HTTP has no smaller unit in `date`. */
const DATE_RESOLUTION_MS = 1_000;

/** Checks the server of `S3_ENDPOINT`; in `bucket`, if one is given, what it does with small objects that go away again. */
export async function checkS3(
  diagnosis: Diagnosis,
  environment: Environment,
  bucket: string | undefined,
): Promise<void> {
  const { timeoutMs } = diagnosis.call;
  // Loaded only here, because the client takes its time to load.
  const { S3StorageProvider } = await import("../../storage/adapters/s3.ts");
  const { checkConfig } = await import("../../storage/adapters/s3/config.ts");
  const configOf = () => ({
    ...readS3Environment(environment),
    responseTimeoutMs: timeoutMs,
    maxAttempts: 1,
  });
  const targetOf = (): string => checkConfig(configOf()).endpoint.href;
  const storage = await diagnosis.connect(targetOf, async () => {
    const storage = new S3StorageProvider(configOf());
    await storage.health(diagnosis.call);
    return storage;
  });
  if (!storage) return;
  try {
    if (bucket !== undefined) await checkBucket(diagnosis, storage, bucket);
    await checkTime(diagnosis, targetOf());
  } finally {
    await storage.close();
  }
}

async function checkBucket(
  diagnosis: Diagnosis,
  storage: S3StorageProvider,
  bucket: string,
): Promise<void> {
  const fix = "Create the bucket, or let the user list it, write to it and delete in it";
  await diagnosis.look("bucket", fix, async () => {
    const probe = await storage.probe(bucket, diagnosis.call);
    diagnosis.ok("bucket", "the user may write to it and delete in it");
    for (const [capability, { means, without }] of Object.entries(CAPABILITIES)) {
      const has = probe[capability as keyof typeof CAPABILITIES];
      if (has) diagnosis.ok(capability, means);
      else diagnosis.warn(capability, `not here: ${means}`, without);
    }
  });
}

/** What `probe` measures, and what a service does without it. */
const CAPABILITIES = {
  createOnly: {
    means: "of several uploads that require that there is no object, one succeeds",
    without: "Use a server that has conditional writes, or let only one process write a key",
  },
  ifMatch: {
    means: "of several uploads that require a version, one succeeds",
    without: "Use a server that has conditional writes, or let only one process write a key",
  },
  ranges: {
    means: "a part of an object can be read",
    without: "Use a server that has ranges: downloads cannot go on after a cut",
  },
  checksums: {
    means: "bytes that change on the way are refused",
    without: "Use a server that checks SHA-256, or read with downloadVerified",
  },
  presignedUrls: {
    means: "a presigned URL works",
    without: "Serve objects through a service of yours",
  },
  presignedPosts: {
    means: "a presigned form works, and keeps to its limit of size",
    without: "Use presigned URLs for uploads",
  },
} as const;

/** What it answers is of no matter, for every answer of HTTP has a date (RFC 9110, section 6.6.1). */
async function checkTime(diagnosis: Diagnosis, endpoint: string): Promise<void> {
  await diagnosis.look("latency", "Look at the load of the server", async () => {
    const trips = await roundTrips(() => askDate(diagnosis, endpoint), 5);
    diagnosis.latency(trips);
    if (trips.every(({ answer }) => Number.isFinite(answer))) {
      diagnosis.clock(trips, DATE_RESOLUTION_MS);
    }
  });
}

async function askDate({ call }: Diagnosis, endpoint: string): Promise<number> {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(call.timeoutMs)]);
  try {
    const response = await fetch(endpoint, { method: "HEAD", redirect: "manual", signal });
    await response.body?.cancel();
    return Date.parse(response.headers.get("date") ?? "");
  } catch {
    throw new StorageError("Cannot ask for the time: the server did not answer", {
      code: "unavailable",
      operation: "ask for the time",
      retryable: true,
    });
  }
}
