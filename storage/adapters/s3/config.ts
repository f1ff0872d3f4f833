import { type Clock, systemClock } from "../../../core/clock.ts";
import { checkTimeout } from "../../../core/call_options.ts";
import { ValidationError } from "../../../core/errors.ts";
import { kindOf, showValue } from "../../../core/shown_value.ts";
import { checkInteger, checkText } from "../../../core/validation.ts";
import { isRegion, readServerUrl } from "../../s3_rules.ts";
import type { StorageCapabilities } from "../../storage.ts";
import { FetchClient } from "./fetch_client.ts";
import { defaultHttpClient, type HttpClient } from "./http_client.ts";
import { type GetCredentials, type S3Credentials, usableCredentials } from "./credentials.ts";

/** The smallest part that Amazon S3 takes of an upload in parts, but for the last: 5 MiB. */
const MIN_PART_BYTES = 5_242_880;
/** The largest part that Amazon S3 takes: 5 GiB. */
const MAX_PART_BYTES = 5_368_709_120;

/** Which server an `S3StorageProvider` talks to, and how. */
export interface S3StorageConfig {
  /** Who asks. Values, or a function that gets them; they are never looked for elsewhere. */
  readonly credentials: S3Credentials | (() => S3Credentials | Promise<S3Credentials>);
  /** The region that requests are signed for. Default: `us-east-1`. */
  readonly region?: string | undefined;
  /** The URL of the server, such as `http://127.0.0.1:8333`. Default: that of Amazon S3 in the region. */
  readonly endpoint?: string | undefined;
  /** The URL that the world knows the server by, for presigned URLs and forms. Default: that of the endpoint. */
  readonly publicEndpoint?: string | undefined;
  /**
   * Whether the bucket is in the path or in the host name. Default: `virtual-host` on Amazon (`amazonaws.com`), but for
   * buckets with a dot, which no certificate fits; `path` elsewhere. Nothing comes before an IP address.
   */
  readonly addressing?: "path" | "virtual-host" | undefined;
  /**
   * Whether the server keeps the SHA-256 of what is uploaded beside the object (`x-amz-checksum-sha256`); all servers
   * check it on the way. Default: yes on Amazon, no elsewhere, for many servers refuse it.
   */
  readonly storeChecksums?: boolean | undefined;
  /** What is larger goes up in parts of this many bytes, from 5,242,880 to 5,368,709,120. Default: 8,388,608 (8 MiB). */
  readonly partBytes?: number | undefined;
  /** How many parts of one upload are sent at once. Default: 4. */
  readonly partConcurrency?: number | undefined;
  /** How often a request is sent until it is given up, from 1 to 10. Default: 3. */
  readonly maxAttempts?: number | undefined;
  /**
   * How long the server may take to begin its answer, in milliseconds. Requests with a body have a second more for each
   * 100,000 bytes. Default: 30,000.
   */
  readonly responseTimeoutMs?: number | undefined;
  /**
   * How long the server may pause within an answer, in milliseconds, and how long a reader may before its connection is
   * given back; it gets another one when it goes on. Default: 30,000.
   */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * What the server is known to do. What is not given is true on Amazon; elsewhere conditional writes are measured
   * before the first one. See `S3StorageProvider.probe`.
   */
  readonly capabilities?: Partial<StorageCapabilities> | undefined;
  /** Sends HTTP requests, one at a time. Default: what suits the runtime, `fetch` or `node:http`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Signs requests and measures deadlines. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
}

/** A configuration with nothing left to decide. */
export interface S3Settings {
  /** Gets who asks. */
  readonly credentials: GetCredentials;
  readonly region: string;
  /** The region that a new bucket is said to be in. */
  readonly bucketRegion: string | undefined;
  /** Where requests go. */
  readonly endpoint: URL;
  /** Where presigned URLs lead. */
  readonly publicEndpoint: URL;
  readonly addressing: "path" | "virtual-host";
  readonly storeChecksums: boolean;
  readonly partBytes: number;
  readonly partConcurrency: number;
  readonly maxAttempts: number;
  readonly responseTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** What is known without measuring. */
  readonly capabilities: Partial<StorageCapabilities>;
  /** Makes what sends requests. */
  readonly client: () => Promise<HttpClient>;
  readonly clock: Clock;
}

/** Checks a configuration; throws a `ValidationError` that names what is wrong. */
export function checkConfig(config: S3StorageConfig): S3Settings {
  if (typeof config !== "object" || config === null) {
    throw new ValidationError("config", `it must be an object, got ${kindOf(config)}`);
  }
  const region = checkRegion(config.region ?? "us-east-1");
  const endpoint = checkEndpoint(
    "endpoint",
    config.endpoint ?? `https://s3.${region}.amazonaws.com`,
  );
  const onAmazon = /\.amazonaws\.com(\.cn)?$/.test(endpoint.hostname);
  const { publicEndpoint, clock = systemClock } = config;
  return {
    credentials: usableCredentials(config.credentials, clock),
    region,
    // Amazon wants it everywhere but in its first region, where it refuses it; others know only their own names.
    bucketRegion: onAmazon && region !== "us-east-1" ? region : undefined,
    endpoint,
    publicEndpoint: publicEndpoint === undefined
      ? endpoint
      : checkEndpoint("publicEndpoint", publicEndpoint),
    addressing: checkAddressing(config.addressing ?? (onAmazon ? "virtual-host" : "path")),
    storeChecksums: config.storeChecksums ?? onAmazon,
    partBytes: checkInteger("partBytes", config.partBytes ?? 8_388_608, {
      min: MIN_PART_BYTES,
      max: MAX_PART_BYTES,
    }),
    partConcurrency: checkInteger("partConcurrency", config.partConcurrency ?? 4, {
      min: 1,
      max: 100,
    }),
    maxAttempts: checkInteger("maxAttempts", config.maxAttempts ?? 3, { min: 1, max: 10 }),
    responseTimeoutMs: checkTimeout(config.responseTimeoutMs ?? 30_000, "responseTimeoutMs"),
    idleTimeoutMs: checkTimeout(config.idleTimeoutMs ?? 30_000, "idleTimeoutMs"),
    capabilities: onAmazon ? { ...EVERYTHING, ...config.capabilities } : { ...config.capabilities },
    client: clientOf(config.fetch),
    clock,
  };
}

/** What Amazon S3 does. */
export const EVERYTHING: StorageCapabilities = {
  createOnly: true,
  ifMatch: true,
  presignedUrls: true,
  presignedPosts: true,
};

function clientOf(fetch: unknown): () => Promise<HttpClient> {
  if (fetch === undefined) return defaultHttpClient;
  if (typeof fetch === "function") {
    return () => Promise.resolve(new FetchClient(fetch as typeof globalThis.fetch));
  }
  throw new ValidationError("fetch", `it must be a function, got ${kindOf(fetch)}`);
}

function checkRegion(region: unknown): string {
  const text = checkText("region", region, { maxLength: 63 });
  if (isRegion(text)) return text;
  throw new ValidationError("region", "it must have lower-case letters, digits and hyphens");
}

function checkEndpoint(field: string, text: unknown): URL {
  const url = readServerUrl(checkText(field, text, { maxLength: 2_000 }));
  if (typeof url === "string") throw new ValidationError(field, url);
  return url;
}

function checkAddressing(addressing: unknown): "path" | "virtual-host" {
  if (addressing === "path" || addressing === "virtual-host") return addressing;
  const why = `it must be "path" or "virtual-host", got ${showValue(addressing)}`;
  throw new ValidationError("addressing", why);
}
