// One contender of the benchmarks on S3, in a process of its own: `storage_process.ts <name> <url> <bucket>`.
import assert from "node:assert/strict";
import process from "node:process";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { S3StorageProvider } from "../storage/adapters/s3.ts";
import { startSha256 } from "../storage/digest.ts";
import { downloadVerifiedStream, uploadVerified } from "../storage/verified.ts";
import { s3Access } from "../tests/support/s3.ts";
import { s3Config } from "../tests/support/s3_storage.ts";
import { type Plan, slot } from "./compare.ts";
import { say } from "./own_process.ts";
import { importPeers } from "./peers.ts";

/** The SDK with its defaults: its handler over `node:http`, CRC32 of everything, uploads of `lib-storage`. */
export const SDK = "SDK";
/** The library. */
export const OWN = "S3StorageProvider";
/** The library, with SHA-256 computed, recorded and checked. */
export const VERIFIED = "S3StorageProvider, verified";

/** The same for who knows the SHA-256 of a stream before, so that it can be recorded at once. */
export const GIVEN = "S3StorageProvider, verified, SHA-256 given";

/** What to measure. */
export type StorageTask =
  | (Plan & { readonly work: "put" | "get" })
  | { readonly work: "up" | "down"; readonly bytes: number };

/** What moving a large object took. */
export interface Transfer {
  readonly ms: number;
  /** The most that the process grew by meanwhile. */
  readonly growthBytes: number;
}

interface Storage {
  put(key: string, bytes: Uint8Array): Promise<unknown>;
  get(key: string): Promise<Uint8Array>;
  up(key: string, body: ReadableStream<Uint8Array>, sha256: string): Promise<unknown>;
  down(key: string): Promise<ReadableStream<Uint8Array>>;
  close(): Promise<void>;
}

const SMALL_BYTES = 1_024;
const KEYS = 100;

const OPEN: Readonly<Record<string, (url: string, bucket: string) => Promise<Storage>>> = {
  [SDK]: openSdk,
  [OWN]: (url, bucket) => Promise.resolve(openOwn(url, bucket)),
  [VERIFIED]: (url, bucket) => Promise.resolve(openVerified(url, bucket)),
  [GIVEN]: (url, bucket) => Promise.resolve(openGiven(url, bucket)),
};

async function openSdk(url: string, bucket: string): Promise<Storage> {
  const { S3Client, PutObjectCommand, GetObjectCommand, Upload } = await importPeers();
  const { endpoint, region, ...credentials } = s3Access(url);
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const get = async (key: string) =>
    (await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body;
  return {
    put: (key, bytes) =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes })),
    get: async (key) => await (await get(key)).transformToByteArray(),
    up: (key, body) => {
      const Body = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
      return new Upload({ client, params: { Bucket: bucket, Key: key, Body } }).done();
    },
    down: async (key) => (await get(key)).transformToWebStream(),
    close: () => Promise.resolve(client.destroy()),
  };
}

function openOwn(url: string, bucket: string): Storage {
  const storage = new S3StorageProvider(s3Config(url));
  return {
    put: (key, bytes) => storage.upload(bucket, key, bytes),
    get: (key) => storage.download(bucket, key),
    up: (key, body) => storage.upload(bucket, key, body),
    down: async (key) => (await storage.downloadStream(bucket, key)).body,
    close: () => storage.close(),
  };
}

function openVerified(url: string, bucket: string): Storage {
  const storage = new S3StorageProvider(s3Config(url));
  return {
    put: (key, bytes) => uploadVerified(storage, bucket, key, bytes),
    get: (key) => storage.download(bucket, key),
    up: (key, body) => uploadVerified(storage, bucket, key, body),
    down: async (key) => (await downloadVerifiedStream(storage, bucket, key)).body,
    close: () => storage.close(),
  };
}

function openGiven(url: string, bucket: string): Storage {
  const storage = new S3StorageProvider(s3Config(url));
  return {
    ...openVerified(url, bucket),
    up: (key, body, sha256) => uploadVerified(storage, bucket, key, body, { sha256 }),
  };
}

/** The same chunk again and again, so that the source takes no memory. */
function streamOf(bytes: number): ReadableStream<Uint8Array> {
  const chunk = new Uint8Array(65_536).fill(7);
  let left = bytes;
  return new ReadableStream({
    pull(controller): void {
      if (left === 0) return controller.close();
      const size = Math.min(left, chunk.byteLength);
      left -= size;
      controller.enqueue(chunk.subarray(0, size));
    },
  }, { highWaterMark: 0 });
}

async function transfer(
  storage: Storage,
  { work, bytes }: Extract<StorageTask, { bytes: number }>,
): Promise<Transfer> {
  const sha256 = work === "up" ? await digestOf(streamOf(bytes)) : "";
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => peak = Math.max(peak, process.memoryUsage.rss()), 10);
  const start = performance.now();
  if (work === "up") await storage.up("large", streamOf(bytes), sha256);
  else assert.equal(await drain(await storage.down("large")), bytes);
  const ms = performance.now() - start;
  clearInterval(watch);
  return { ms, growthBytes: peak - before };
}

async function digestOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const hash = startSha256();
  for await (const chunk of body) hash.update(chunk);
  return hash.hex();
}

async function drain(body: ReadableStream<Uint8Array>): Promise<number> {
  const reader = body.getReader();
  let bytes = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    bytes += next.value.byteLength;
  }
  return bytes;
}

async function answer([name = "", url = "", bucket = ""]: readonly string[]): Promise<void> {
  const open = OPEN[name];
  if (!open) throw new Error(`No contender ${name}`);
  const storage = await open(url, bucket);
  const small = new Uint8Array(SMALL_BYTES).fill(97);
  const keys = Array.from({ length: KEYS }, (_, index) => `${name}/${index}`);
  await Promise.all(keys.map((key) => storage.put(key, small)));
  assert.deepEqual(new Uint8Array(await storage.get(keys[7]!)), small);
  // Loads what only uploads in parts need, as a service has it after its first one.
  const warm = streamOf(10_000_000);
  await storage.up(`${name}/warm`, warm, await digestOf(streamOf(10_000_000)));
  const anyKey = (): string => keys[Math.floor(Math.random() * KEYS)]!;
  const works = { put: () => storage.put(anyKey(), small), get: () => storage.get(anyKey()) };
  say("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const task: StorageTask = JSON.parse(line);
    if ("bytes" in task) say(await transfer(storage, task));
    else say(await slot({ name, run: works[task.work] }, task));
  }
  await storage.close();
}

if (import.meta.main) await answer(process.argv.slice(2));
