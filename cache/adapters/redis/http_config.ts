import { ConfigurationError } from "../../../core/errors.ts";
import type { Fetch, HttpAddress } from "../../../core/redis/http_server.ts";
import { kindOf } from "../../../core/shown_value.ts";
import { parseUrl } from "../../../core/url_text.ts";
import { checkOptions, type RedisCacheOptions, type RedisCacheSettings } from "./options.ts";

/** Where the server of a `HttpRedisCacheProvider` is, and how the cache works. */
export interface HttpRedisCacheConfig extends Omit<RedisCacheOptions, "connectTimeoutMs"> {
  /** The URL of the REST interface, `https://host`, perhaps with a path; the token is not part of it. */
  readonly url: string;
  /** What the server knows its callers by; sent as `Authorization: Bearer <token>`, never shown. */
  readonly token: string;
  /** Whether `http://` is allowed for more than loopback, where anybody on the way can read the token. Default: false. */
  readonly allowHttp?: boolean | undefined;
  /** Sends the requests. Default: `fetch` of the runtime. */
  readonly fetch?: Fetch | undefined;
  /** How long a read may take before it is a miss, in milliseconds. Default: 1,000. */
  readonly readTimeoutMs?: number | undefined;
  /** The deadline of every other call that has none, in milliseconds. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
}

/** A configuration with nothing left to decide. */
export interface HttpRedisCacheSettings extends RedisCacheSettings {
  /** Where the server is. */
  readonly address: HttpAddress;
}

/** The deadlines leave room for a new connection with TLS. */
const DEFAULTS = { readTimeoutMs: 1_000, timeoutMs: 5_000 };

/** Checks a configuration; throws a `ConfigurationError` or a `ValidationError`, which show neither URL nor token. */
export function checkHttpConfig(config: HttpRedisCacheConfig): HttpRedisCacheSettings {
  if (typeof config !== "object" || config === null) {
    throw new ConfigurationError([
      `it must be an object with url and token, got ${kindOf(config)}`,
    ]);
  }
  const { url, token, fetch = (url, init) => globalThis.fetch(url, init) } = config;
  const parsed = parseUrl(url);
  const problems = [
    ...parsed ? urlProblems(parsed, config.allowHttp === true) : ["url must be one, https://host"],
    ...isToken(token) ? [] : ["token must be printable ASCII without spaces"],
    ...typeof fetch === "function" ? [] : [`fetch must be a function, got ${kindOf(fetch)}`],
  ];
  if (!parsed || problems.length > 0) throw new ConfigurationError(problems);
  const { readTimeoutMs = DEFAULTS.readTimeoutMs, timeoutMs = DEFAULTS.timeoutMs } = config;
  return {
    ...checkOptions({ ...config, readTimeoutMs, timeoutMs }),
    address: { url: parsed.href.replace(/\/+$/, ""), token, fetch },
  };
}

function urlProblems(url: URL, allowsHttp: boolean): string[] {
  const { protocol, hostname, username, password, search, hash } = url;
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  const isSafe = protocol === "https:" || protocol === "http:" && (isLoopback || allowsHttp);
  const hasMore = username + password + search + hash !== "";
  return [
    ...isSafe ? [] : ["url must start with https://, because the token goes with every request"],
    ...hasMore ? ["url must have neither user nor password, parameters or fragment"] : [],
  ];
}

/** Anything else would be refused by `fetch`, which shows it. */
function isToken(token: unknown): boolean {
  return typeof token === "string" && /^[\x21-\x7e]+$/.test(token);
}
