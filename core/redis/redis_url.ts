import { ConfigurationError } from "../errors.ts";
import { decodeUrlPart, MALFORMED, parseUrl } from "../url_text.ts";

/** Where a Redis server is and how to log in, as taken from a URL. */
export interface RedisAddress {
  /** Host name or address. */
  readonly host: string;
  /** Default: 6379. */
  readonly port: number;
  /** The user of the access control list; empty for the default user. */
  readonly username: string;
  /** Never shown in an error; empty for none. */
  readonly password: string;
  /** The number of the database. Default: 0. */
  readonly database: number;
  /** Whether everything goes over verified TLS (`rediss:`). */
  readonly tls: boolean;
}

/**
 * Reads `redis://user:password@host:port/database`, or `rediss://` for verified TLS. Special
 * characters have to be percent-encoded; parameters are refused.
 *
 * Throws a {@linkcode ConfigurationError} that lists every problem and never shows the URL, which
 * holds the password.
 *
 * ```ts
 * import { parseRedisUrl } from "@benchmark-exchange/infrastructure/cache";
 * import { ConfigurationError } from "@benchmark-exchange/infrastructure/core";
 *
 * const { host, port, database, tls } = parseRedisUrl("rediss://app:s3cr3t@cache.internal/1");
 * console.log(host, port, database, tls); // cache.internal 6379 1 true
 * try {
 *   parseRedisUrl("http://:s3cr3t@cache.internal");
 * } catch (error) {
 *   console.log(error instanceof ConfigurationError && error.problems);
 *   // [ "REDIS_URL must start with redis:// or rediss://" ]
 * }
 * ```
 */
export function parseRedisUrl(url: string, name = "REDIS_URL"): RedisAddress {
  const parsed = parseUrl(url);
  if (!parsed) {
    const problem = "is not a URL such as redis://host:port or rediss://user:password@host:port, " +
      "or special characters in it are not percent-encoded";
    throw new ConfigurationError([`${name} ${problem}`]);
  }
  const username = decodeUrlPart(parsed.username);
  const password = decodeUrlPart(parsed.password);
  const database = decodeUrlPart(parsed.pathname.slice(1));
  const problems = [
    ...formProblems(parsed),
    ...[username, password].includes(MALFORMED)
      ? ["must have user and password percent-encoded"]
      : [],
    ...!/^\d{0,5}$/.test(database) ? ["must end with the number of a database, if with any"] : [],
  ];
  if (problems.length > 0) throw new ConfigurationError(problems.map((one) => `${name} ${one}`));
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1") || "127.0.0.1",
    port: parsed.port === "" ? 6379 : Number(parsed.port),
    username,
    password,
    database: Number(database),
    tls: parsed.protocol === "rediss:",
  };
}

function formProblems({ protocol, hostname, port, pathname, search, hash }: URL): string[] {
  const problems: string[] = [];
  if (!/^rediss?:$/.test(protocol)) problems.push("must start with redis:// or rediss://");
  if (hostname === "" || hostname.includes(",")) problems.push("must name one host");
  if (port === "0") problems.push("must have a port from 1 to 65535");
  if (/[/@]/.test(pathname.slice(1)) || hash !== "") {
    problems.push("must have @ / # in user and password percent-encoded");
  }
  if (search !== "") problems.push("must have no parameters");
  return problems;
}
