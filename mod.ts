/**
 * The infrastructure layer of an LLM benchmark exchange: PostgreSQL repositories, cache, object
 * storage and events under one roof. This module loads no vendor's client; `Infrastructure.embedded` and
 * `createPool` load what they need when they are called.
 *
 * @example
 * ```ts
 * import { Infrastructure } from "@benchmark-exchange/infrastructure";
 *
 * const exchange = await Infrastructure.embedded();
 * const user = await exchange.users.create({ email: "ada@example.org", username: "ada" });
 * console.log(user.id, await exchange.health());
 * await exchange.close();
 * ```
 *
 * @module
 */

import { MemoryCacheProvider } from "./cache/adapters/memory.ts";
import type { CacheProvider } from "./cache/cache.ts";
import { invalidateChange } from "./cache/invalidate_change.ts";
import { parseRedisUrl } from "./core/redis/redis_url.ts";
import type { CallOptions } from "./core/call_options.ts";
import { type Environment, readEnvironment } from "./core/environment.ts";
import { ConfigurationError } from "./core/errors.ts";
import { checkHealth, type HealthCheck, type HealthReport } from "./core/health.ts";
import { Lifecycle } from "./core/lifecycle.ts";
import { checkText } from "./core/validation.ts";
import { parseConnectionUrl } from "./database/connection_url.ts";
import { createPool } from "./database/create_pool.ts";
import type { DatabasePool } from "./database/database_pool.ts";
import { migrate } from "./database/migrator.ts";
import type { OutboxEvent } from "./database/outbox/outbox_event.ts";
import { OutboxRelay } from "./database/outbox/relay.ts";
import { PostgresBenchmarkRepository } from "./database/repositories/benchmark_repository.ts";
import { PostgresOrganizationRepository } from "./database/repositories/organization_repository.ts";
import { PostgresSubmissionRepository } from "./database/repositories/submission_repository.ts";
import { PostgresUserRepository } from "./database/repositories/user_repository.ts";
import { MemoryEventBus } from "./messaging/adapters/memory.ts";
import { MemoryStreamBus } from "./messaging/adapters/memory_streams.ts";
import { publishChange } from "./messaging/change_event.ts";
import type { EventBus } from "./messaging/messaging.ts";
import type { StreamBus } from "./messaging/streams.ts";
import { FileSystemStorageProvider } from "./storage/adapters/filesystem.ts";
import { MemoryStorageProvider } from "./storage/adapters/memory.ts";
import { readS3Environment, S3_VARIABLES, s3Problems } from "./storage/s3_environment.ts";
import type { StorageProvider } from "./storage/storage.ts";

export * from "./cache/mod.ts";
export * from "./core/mod.ts";
export * from "./database/mod.ts";
export * from "./domain/mod.ts";
export * from "./messaging/mod.ts";
export * from "./storage/mod.ts";

/** The parts of an exchange. What is passed in stays the caller's to close. */
export interface InfrastructureParts {
  /** Where users, benchmarks and submissions are. Its schema must be up to date; see `migrate`. */
  readonly database: DatabasePool;
  /** What is quick to have again. */
  readonly cache: CacheProvider;
  /** Datasets and artifacts. */
  readonly storage: StorageProvider;
  /** What happens, for who listens in that moment. */
  readonly events: EventBus;
  /** What happened, for every group until it is done with it. */
  readonly streams: StreamBus;
}

/** How to run without servers. */
export interface EmbeddedOptions extends Partial<InfrastructureParts> {
  /** A folder that keeps database and objects, for one process at a time. Default: memory, gone when closed. */
  readonly dataDir?: string;
}

/** How to run on servers. */
export interface FromEnvironmentOptions extends Partial<InfrastructureParts> {
  /**
   * The variables. Default: `DATABASE_URL`, `REDIS_URL`, `S3_ENDPOINT`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
   * `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` of the process; no others are read.
   */
  readonly environment?: Environment;
}

const VARIABLES = ["DATABASE_URL", "REDIS_URL", ...S3_VARIABLES] as const;

/**
 * Everything that a service of the exchange needs from the outside world.
 *
 * ```ts
 * import { EventChannel, Infrastructure } from "@benchmark-exchange/infrastructure";
 *
 * const exchange = await Infrastructure.embedded(); // on servers: Infrastructure.fromEnv()
 * const { promise, resolve } = Promise.withResolvers<string>();
 * await exchange.events.subscribe(EventChannel.USER, (message) => resolve(message.type));
 * await exchange.users.create({ email: "ada@example.org", username: "ada" });
 * console.log(await promise); // "Created": the relay carried it on after the commit
 * await exchange.close();
 * ```
 */
export class Infrastructure implements InfrastructureParts, AsyncDisposable {
  /** Where users, benchmarks and submissions are. */
  readonly database: DatabasePool;
  /** What is quick to have again. */
  readonly cache: CacheProvider;
  /** Datasets and artifacts. */
  readonly storage: StorageProvider;
  /** What happens, for who listens in that moment. */
  readonly events: EventBus;
  /** What happened, for every group until it is done with it. */
  readonly streams: StreamBus;
  /**
   * Carries on what repositories changed, after the commit and at least once: out of the cache, into the streams, and
   * to who listens. It runs from `embedded` and `fromEnv` on; who joins parts by hand calls `start`.
   */
  readonly relay: OutboxRelay;
  /** User accounts. */
  readonly users: PostgresUserRepository;
  /** Organizations and their members. */
  readonly organizations: PostgresOrganizationRepository;
  /** Benchmarks and their versions. */
  readonly benchmarks: PostgresBenchmarkRepository;
  /** Submissions and leaderboards. */
  readonly submissions: PostgresSubmissionRepository;
  readonly #opened: Lifecycle;

  /** Joins parts that somebody else opened and closes. */
  constructor(parts: InfrastructureParts, opened: Lifecycle = new Lifecycle()) {
    this.database = parts.database;
    this.cache = parts.cache;
    this.storage = parts.storage;
    this.events = parts.events;
    this.streams = parts.streams;
    this.relay = new OutboxRelay(parts.database, (event, call) => this.#carryOn(event, call));
    this.users = new PostgresUserRepository(parts.database);
    this.organizations = new PostgresOrganizationRepository(parts.database);
    this.benchmarks = new PostgresBenchmarkRepository(parts.database);
    this.submissions = new PostgresSubmissionRepository(parts.database);
    this.#opened = opened;
  }

  /**
   * Runs without any server: PGlite with the schema applied, memory cache, storage in memory or in `dataDir`,
   * memory buses. For development, tests, demos and tools on one machine. Parts that are passed in take the place of embedded ones.
   *
   * Throws `conflict` if another process has `dataDir`, and a `ValidationError` if that is empty.
   */
  static embedded(options: EmbeddedOptions = {}): Promise<Infrastructure> {
    return open(async (own) => {
      // An empty name would keep everything in memory, and forget it.
      const dataDir = options.dataDir === undefined
        ? undefined
        : checkText("dataDir", options.dataDir);
      return {
        database: options.database ?? own(await embeddedDatabase(dataDir)),
        cache: options.cache ?? own(new MemoryCacheProvider()),
        storage: options.storage ?? own(embeddedStorage(dataDir)),
        events: options.events ?? own(new MemoryEventBus()),
        streams: options.streams ?? own(new MemoryStreamBus()),
      };
    });
  }

  /**
   * Runs on the servers that the environment names. Parts that are passed in are used instead, and their variables not read.
   * Never falls back to anything embedded.
   *
   * Throws a {@linkcode ConfigurationError} that lists every problem at once, before anything is opened. Without
   * `S3_ENDPOINT`, storage is Amazon S3. Nothing is asked of the storage here; `health` tells whether it works.
   */
  static fromEnv(options: FromEnvironmentOptions = {}): Promise<Infrastructure> {
    const environment = options.environment ?? readEnvironment(VARIABLES);
    return open(async (own) => {
      const { cache, storage, events, streams } = options;
      const problems = [
        ...options.database ? [] : urlProblems(environment, "DATABASE_URL", parseConnectionUrl),
        ...cache && events && streams ? [] : urlProblems(environment, "REDIS_URL", parseRedisUrl),
        ...storage ? [] : s3Problems(environment),
      ];
      if (problems.length > 0) throw new ConfigurationError(problems, "read the environment");
      const url = (name: string): string => environment[name] ?? "";
      return {
        database: options.database ?? own(await createPool({ url: url("DATABASE_URL") })),
        cache: cache ?? own(await connectCache(url("REDIS_URL"))),
        storage: storage ?? own(await openStorage(environment)),
        events: events ?? own(await connectEvents(url("REDIS_URL"))),
        streams: streams ?? own(await connectStreams(url("REDIS_URL"))),
      };
    });
  }

  /** Asks every part whether it works; never rejects. */
  health(options: CallOptions = {}): Promise<HealthReport> {
    const checks: HealthCheck[] = [this.database];
    for (const name of ["cache", "storage", "events", "streams"] as const) {
      checks.push({ name, check: (call) => this[name].health(call) });
    }
    checks.push({ name: "outbox", check: async (call) => ({ ...await this.relay.stats(call) }) });
    return checkHealth(checks, options);
  }

  /** Ends the relay, then closes what it opened itself, the last first. Idempotent. */
  async close(): Promise<void> {
    await this.relay.close();
    await this.#opened.close();
  }

  /** The same as {@linkcode Infrastructure.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The cache first: who hears of a change and reads gets what is new. */
  async #carryOn(event: OutboxEvent, call: CallOptions): Promise<void> {
    await invalidateChange(this.cache, event, call);
    await publishChange(this.streams, event, call);
    // Nobody is promised to hear it here, so it is no reason to do all of it again.
    await publishChange(this.events, event, call).catch(() => {});
  }
}

/** Opens parts; if one fails, those before it are closed again. */
async function open(
  openParts: (own: <T extends { close(): Promise<void> }>(part: T) => T) => Promise<
    InfrastructureParts
  >,
): Promise<Infrastructure> {
  const opened = new Lifecycle();
  try {
    const parts = await openParts((part) => {
      opened.onClose(() => part.close());
      return part;
    });
    const exchange = new Infrastructure(parts, opened);
    exchange.relay.start();
    return exchange;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function embeddedDatabase(dataDir: string | undefined): Promise<DatabasePool> {
  const pool = await createPool({ embedded: dataDir ? { dataDir: `${dataDir}/database` } : {} });
  try {
    await migrate(pool);
    return pool;
  } catch (error) {
    await pool.close();
    throw error;
  }
}

function embeddedStorage(dataDir: string | undefined): StorageProvider {
  return dataDir
    ? new FileSystemStorageProvider({ root: `${dataDir}/storage` })
    : new MemoryStorageProvider();
}

/** Loads the client only where there is a server for it. */
async function connectCache(url: string): Promise<CacheProvider> {
  const { RedisCacheProvider } = await import("./cache/adapters/redis.ts");
  return await RedisCacheProvider.connect({ url });
}

/** Loads the client only where there is a server for it. */
async function connectEvents(url: string): Promise<EventBus> {
  const { RedisEventBus } = await import("./messaging/adapters/redis.ts");
  return await RedisEventBus.connect({ url });
}

/** Loads the client only where there is a server for it. */
async function connectStreams(url: string): Promise<StreamBus> {
  const { RedisStreamBus } = await import("./messaging/adapters/redis_streams.ts");
  return await RedisStreamBus.connect({ url });
}

/** Loads the adapter only where there is a server for it. */
async function openStorage(environment: Environment): Promise<StorageProvider> {
  const { S3StorageProvider } = await import("./storage/adapters/s3.ts");
  return new S3StorageProvider(readS3Environment(environment));
}

function urlProblems(
  environment: Environment,
  name: string,
  parse: (url: string, name: string) => unknown,
): readonly string[] {
  const url = environment[name];
  if (!url) return [`${name} is not set`];
  try {
    parse(url, name);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}
