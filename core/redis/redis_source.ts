import { ConfigurationError, ValidationError } from "../errors.ts";
import { kindOf } from "../shown_value.ts";
import {
  clusterTarget,
  type RedisClientLike,
  type RedisTarget,
  type ServerAddress,
  serverTarget,
  targetLike,
} from "./channel.ts";
import { parseRedisUrl, type RedisAddress } from "./redis_url.ts";

/** What to connect to. */
export interface RedisSource {
  /** `redis://user:password@host:port/database`, or `rediss://` for verified TLS. Default: `redis://127.0.0.1:6379`. */
  readonly url?: string | undefined;
  /** URLs of some nodes of a cluster, in place of `url`; user, password and TLS of the first are those of all. */
  readonly cluster?: readonly string[] | undefined;
  /** Certificate authorities for `rediss://`, as PEM, where those of the system do not do; refused without TLS. */
  readonly ca?: string | undefined;
}

const DEFAULT_URL = "redis://127.0.0.1:6379";

/**
 * The target that a source means. Throws a `ValidationError` or `ConfigurationError` that names what is wrong, and
 * never shows a password.
 */
export function targetOf(
  source: RedisSource | RedisClientLike,
  connectTimeoutMs: number,
): RedisTarget {
  if (isClient(source)) return targetLike(source, connectTimeoutMs);
  const { url, cluster, ca } = source;
  if (cluster === undefined) {
    return serverTarget({
      address: parseAddress(url ?? DEFAULT_URL, "url", ca),
      ca,
      connectTimeoutMs,
    });
  }
  if (url !== undefined) throw new ConfigurationError(["url and cluster exclude each other"]);
  if (!Array.isArray(cluster)) throw new ConfigurationError(["cluster must be an array of URLs"]);
  const [first, ...others] = cluster.map((one, i): ServerAddress => {
    const address = parseAddress(one, `cluster[${i}]`, ca);
    if (address.database === 0) return { address, ca, connectTimeoutMs };
    throw new ConfigurationError([`cluster[${i}] must not name a database, a cluster has only 0`]);
  });
  if (!first) throw new ConfigurationError(["cluster must name one node or more"]);
  return clusterTarget([first, ...others]);
}

/** Who gives certificate authorities does not want to send the password without TLS. */
function parseAddress(url: string, name: string, ca: string | undefined): RedisAddress {
  const address = parseRedisUrl(url, name);
  if (ca === undefined || address.tls) return address;
  throw new ConfigurationError([`${name} must start with rediss://, because there is a ca`]);
}

/** Whether a source is a client of the package `redis`, and no configuration. Throws a `ValidationError` if it is neither. */
export function isClient(source: object): source is RedisClientLike {
  if (typeof source !== "object" || source === null) {
    const why = `it must be a configuration or a client, got ${kindOf(source)}`;
    throw new ValidationError("source", why);
  }
  return typeof (source as Partial<RedisClientLike>).duplicate === "function";
}
