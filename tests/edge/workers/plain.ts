/** A worker that uses the package by its public names, for a `workerd` that has nothing of Node. */
import { CacheKey, MemoryCacheProvider } from "@benchmark-exchange/infrastructure/cache";
import {
  checkInteger,
  readEnvironment,
  systemClock,
} from "@benchmark-exchange/infrastructure/core";
import { newId, newUserSchema } from "@benchmark-exchange/infrastructure/domain";
import {
  EventChannel,
  MemoryEventBus,
  MemoryStreamBus,
  userEventSchema,
} from "@benchmark-exchange/infrastructure/messaging";
import {
  downloadVerified,
  sha256Hex,
  StoragePath,
  uploadVerified,
} from "@benchmark-exchange/infrastructure/storage";
import { S3StorageProvider } from "@benchmark-exchange/infrastructure/storage/s3";
import type { S3Suite } from "./suites.ts";

interface Variables {
  readonly S3?: string;
}

const DELETED = { type: "Deleted", userId: "1" } as const;

/** Lives as long as the worker, as caches do there. */
const cache = new MemoryCacheProvider();

/** What happens at each path, and what of it is answered. */
const PATHS: Readonly<Record<string, (variables: Variables) => unknown>> = {
  "/node": () => [typeof process, "Buffer" in globalThis, readEnvironment(["HOME"])],
  "/domain": () => [newId().length, newUserSchema.safeParse({ username: "ada" }).success],
  "/core": () => messageOf(() => checkInteger("limit", 0, { min: 1, max: 9 })),
  "/keys": () => [
    CacheKey.rateLimit("user1", "api"),
    StoragePath.benchmarkDataset("1", "1.0.0", "data.json"),
    EventChannel.benchmarkSpecific("123"),
  ],
  "/cache/write": () => cache.getOrSet("k", () => ({ n: 1 }), { ttlMs: 60_000 }),
  "/cache/read": async () => [await cache.get("k"), Number(await cache.ttl("k")) > 0],
  "/events": publishAndHear,
  "/streams": publishAndHandle,
  "/digest": () => sha256Hex("abc"),
  "/crowd": () => Array.from({ length: 100 }, () => systemClock.coarseNow?.()).length,
  "/time": () => [Date.now(), systemClock.coarseNow?.(), Date.now()],
  "/s3": ({ S3 }) => moveParts(JSON.parse(S3!)),
};

export default {
  async fetch(request: Request, variables: Variables): Promise<Response> {
    return Response.json(await PATHS[new URL(request.url).pathname]!(variables));
  },
};

function messageOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

async function publishAndHear(): Promise<string[]> {
  const bus = new MemoryEventBus();
  const heard: string[] = [];
  await bus.psubscribe("events:*", (message) => heard.push(message.payload));
  await bus.publish(EventChannel.USER, DELETED);
  await bus.close();
  return heard;
}

async function publishAndHandle(): Promise<unknown> {
  const bus = new MemoryStreamBus();
  const handled = new Promise((resolve) => {
    void bus.subscribe(EventChannel.USER, (message) => {
      resolve(message.deserialize(userEventSchema));
    }, { group: "g" });
  });
  await bus.publish(EventChannel.USER, DELETED);
  const event = await handled;
  await bus.drain(1_000);
  await bus.close();
  return event;
}

/** Sends bytes and a stream in three parts, with a digest of the whole, and reads them again. */
async function moveParts({ config, bucketPrefix }: S3Suite): Promise<unknown> {
  const bytes = new Uint8Array(12_000_000).map((_, i) => i % 251);
  const storage = new S3StorageProvider({ ...config, partBytes: 5_242_880 });
  const bucket = `${bucketPrefix}plain`;
  await storage.createBucket(bucket);
  const { etag } = await storage.upload(bucket, "bytes", bytes);
  await uploadVerified(storage, bucket, "stream", new Blob([bytes]).stream());
  const back = await downloadVerified(storage, bucket, "stream");
  const { items } = await storage.listObjects(bucket);
  const presigned = await fetch(await storage.getPresignedUrl(bucket, "stream"));
  const again = await storage.upload(bucket, "stream", "", { createOnly: true })
    .then(() => "", ({ code }) => code);
  const deleted = await storage.deleteBatch(bucket, ["bytes", "stream"]);
  await storage.close();
  return {
    parts: etag.split("-")[1],
    equal: sha256Hex(back) === sha256Hex(bytes),
    sizes: items.map(({ size }) => size),
    presignedBytes: (await presigned.arrayBuffer()).byteLength,
    again,
    deleted: deleted.every(({ deleted }) => deleted),
  };
}
