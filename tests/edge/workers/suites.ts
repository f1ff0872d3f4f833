/** A worker that runs the conformance suites of what the edge can do, each test in a request of its own. */
import { MemoryCacheProvider } from "../../../cache/adapters/memory.ts";
import {
  type HttpRedisCacheConfig,
  HttpRedisCacheProvider,
} from "../../../cache/adapters/redis_http.ts";
import { MemoryEventBus } from "../../../messaging/adapters/memory.ts";
import { MemoryStreamBus, MemoryStreams } from "../../../messaging/adapters/memory_streams.ts";
import { MemoryStorageProvider } from "../../../storage/adapters/memory.ts";
import { type S3StorageConfig, S3StorageProvider } from "../../../storage/adapters/s3.ts";
import type { StorageCapabilities } from "../../../storage/storage.ts";
import { cacheConformance } from "../../conformance/cache.ts";
import { REAL_TIME } from "../../conformance/locks.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
import { messagingConformance } from "../../conformance/messaging.ts";
import { storageConformance } from "../../conformance/storage.ts";
import { streamConformance } from "../../conformance/streams.ts";
import type { TestFn } from "../../conformance/test_fn.ts";

/** What the suite of S3 needs, as JSON in the variable `S3`. */
export interface S3Suite {
  /** How the server is reached. */
  readonly config: S3StorageConfig;
  /** What it can do. */
  readonly capabilities: StorageCapabilities;
  /** What the names of buckets begin with. */
  readonly bucketPrefix: string;
}

/** What the suite of Redis over HTTP needs, as JSON in the variable `REDIS`. */
export interface RedisSuite {
  /** How the server is reached; each test has a namespace below that of the suite. */
  readonly config: HttpRedisCacheConfig;
}

interface Variables {
  readonly S3?: string;
  readonly REDIS?: string;
}

const tests: { readonly name: string; readonly fn: () => Promise<void> }[] = [];
const test: TestFn = (name, fn) => tests.push({ name, fn });

function registerMemory(): void {
  const clock = new ManualClock();
  cacheConformance(test, {
    name: "MemoryCacheProvider",
    capabilities: { shared: false, atomicMany: true },
    open: ({ observer }) => Promise.resolve(new MemoryCacheProvider({ clock, observer })),
    openSmall: ({ observer }) =>
      Promise.resolve(new MemoryCacheProvider({ maxBytes: 10_000, clock, observer })),
    passTime: (ms) => Promise.resolve(clock.advance(ms)),
  });
  const none = { presignedUrls: false, presignedPosts: false };
  storageConformance(test, {
    name: "MemoryStorageProvider",
    capabilities: { createOnly: true, ifMatch: true, ...none },
    open: () => Promise.resolve(new MemoryStorageProvider()),
  });
  messagingConformance(test, {
    name: "MemoryEventBus",
    capabilities: { patterns: true, maxPayloadBytes: 1_000_000 },
    create: () => Promise.resolve(new MemoryEventBus()),
  });
  const streams = new MemoryStreams();
  streamConformance(test, {
    name: "MemoryStreamBus",
    capabilities: { replay: true, maxPayloadBytes: 1_000_000 },
    takeOverMs: 100,
    create: () => Promise.resolve(new MemoryStreamBus({ streams })),
    publishRaw: (channel, bytes) => Promise.resolve(streams.append(channel, bytes)),
  });
}

function registerS3({ config, capabilities, bucketPrefix }: S3Suite): void {
  storageConformance(test, {
    name: "S3StorageProvider",
    capabilities,
    bucketPrefix,
    open: () => Promise.resolve(new S3StorageProvider({ ...config, capabilities })),
  });
}

function registerRedis({ config }: RedisSuite): void {
  cacheConformance(test, {
    name: "HttpRedisCacheProvider",
    capabilities: { shared: true, atomicMany: false },
    open: ({ space, observer }) => {
      const namespace = `${config.namespace}.${space}`;
      return Promise.resolve(new HttpRedisCacheProvider({ ...config, namespace, observer }));
    },
    passTime: REAL_TIME.passTime,
  });
}

/** Registers the suites that the variables are for, those of memory without any. */
function register({ S3, REDIS }: Variables): void {
  if (S3) registerS3(JSON.parse(S3));
  else if (REDIS) registerRedis(JSON.parse(REDIS));
  else registerMemory();
}

async function run(number: number): Promise<string> {
  try {
    await tests[number]!.fn();
    return "";
  } catch (error) {
    return error instanceof Error ? `${error.stack}` : String(error);
  }
}

export default {
  /** `/` lists the names of the tests, `/<number>` runs one and says what is wrong. */
  async fetch(request: Request, variables: Variables): Promise<Response> {
    if (tests.length === 0) register(variables);
    const { pathname } = new URL(request.url);
    if (pathname === "/") return Response.json(tests.map(({ name }) => name));
    return Response.json(await run(Number(pathname.slice(1))));
  },
};
