import { checkTimeout } from "../../../core/call_options.ts";
import { type Clock, systemClock } from "../../../core/clock.ts";
import { ConfigurationError, ValidationError } from "../../../core/errors.ts";
import { kindOf } from "../../../core/shown_value.ts";
import { decodeUrlPart, MALFORMED, parseUrl } from "../../../core/url_text.ts";
import { checkInteger, checkText } from "../../../core/validation.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES } from "../../envelope.ts";
import type { StreamBusOptions } from "../../portable_streams.ts";

/** What a `NatsStreamBus` connects to, and how it works; everything has a default. */
export interface NatsStreamBusConfig extends StreamBusOptions {
  /**
   * `nats://user:password@host:port`, or `tls://` for verified TLS; a user without a password is a token. Several are
   * servers of one cluster, and the first says who logs in. Default: `nats://127.0.0.1:4222`.
   */
  readonly url?: string | readonly string[] | undefined;
  /** Certificate authorities for `tls://`, as PEM, where those of the system do not do; refused without TLS. */
  readonly ca?: string | undefined;
  /**
   * What the names of all its streams and subjects begin with, 1 to 40 of `A-Z a-z 0-9 _ -`. Buses with the same
   * prefix share their streams. Default: `exchange`.
   */
  readonly prefix?: string | undefined;
  /** How long an attempt to connect may take, in milliseconds. Default: 5,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** The largest payload, as bytes of JSON in UTF-8; less where the server takes less. Default: 1,000,000. */
  readonly maxPayloadBytes?: number | undefined;
  /** On how many servers of a cluster a new stream is kept, 1 to 5. Default: 1. */
  readonly replicas?: number | undefined;
  /**
   * After how many milliseconds a new stream removes a record, from 1,000, whether its groups are done with it or not.
   * Default: never.
   */
  readonly maxAgeMs?: number | undefined;
  /** How many records a new stream keeps, whether its groups are done with the others or not. Default: all. */
  readonly maxRecords?: number | undefined;
}

/** Where a server listens. */
export interface NatsAddress {
  readonly hostname: string;
  readonly port: number;
}

/** A configuration with nothing left to decide. */
export interface NatsSettings {
  readonly servers: readonly NatsAddress[];
  readonly login: { readonly user?: string; readonly pass?: string; readonly token?: string };
  readonly tls: { readonly ca?: string } | undefined;
  readonly prefix: string;
  readonly connectTimeoutMs: number;
  readonly maxPayloadBytes: number;
  readonly replicas: number;
  readonly maxAgeMs: number;
  readonly maxRecords: number | undefined;
  readonly clock: Clock;
}

const DEFAULT_URL = "nats://127.0.0.1:4222";

/** Checks a configuration; throws a `ValidationError` or `ConfigurationError` that names what is wrong. */
export function checkConfig(config: NatsStreamBusConfig): NatsSettings {
  if (typeof config !== "object" || config === null) {
    throw new ValidationError("config", `it must be an object, got ${kindOf(config)}`);
  }
  const { maxAgeMs, maxRecords } = config;
  return {
    ...checkAddress(config),
    prefix: checkPrefix(config.prefix ?? "exchange"),
    connectTimeoutMs: checkTimeout(config.connectTimeoutMs ?? 5_000, "connectTimeoutMs"),
    maxPayloadBytes: checkInteger(
      "maxPayloadBytes",
      config.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES,
      { min: 1 },
    ),
    replicas: checkInteger("replicas", config.replicas ?? 1, { min: 1, max: 5 }),
    maxAgeMs: maxAgeMs === undefined ? 0 : checkInteger("maxAgeMs", maxAgeMs, { min: 1_000 }),
    maxRecords: maxRecords === undefined
      ? undefined
      : checkInteger("maxRecords", maxRecords, { min: 1 }),
    clock: config.clock ?? systemClock,
  };
}

function checkPrefix(prefix: unknown): string {
  const text = checkText("prefix", prefix, { maxLength: 40 });
  if (/^[A-Za-z0-9_-]+$/.test(text)) return text;
  throw new ValidationError("prefix", 'it must have only ASCII letters, digits, "_" and "-"');
}

function checkAddress(
  { url = DEFAULT_URL, ca }: NatsStreamBusConfig,
): Pick<NatsSettings, "servers" | "login" | "tls"> {
  const urls = typeof url === "string" ? [url] : url;
  if (!Array.isArray(urls) || urls.length === 0) {
    throw new ConfigurationError(["url must be a URL, or an array of some"]);
  }
  const parsed = urls.map((one: string, i) =>
    parseServer(one, urls.length > 1 ? `url[${i}]` : "url")
  );
  const first = parsed[0] as ParsedServer;
  if (parsed.some(({ tls }) => tls !== first.tls)) {
    throw new ConfigurationError(["url must use TLS for all servers, or for none"]);
  }
  // Who gives certificate authorities does not want to send the password without TLS.
  if (ca !== undefined && !first.tls) {
    throw new ConfigurationError(["url must start with tls://, because there is a ca"]);
  }
  const servers = parsed.map(({ server }) => server);
  return { servers, login: first.login, tls: first.tls ? { ...ca && { ca } } : undefined };
}

interface ParsedServer extends Pick<NatsSettings, "login"> {
  readonly server: NatsAddress;
  readonly tls: boolean;
}

/** No error shows the URL, which holds the password. */
function parseServer(url: string, name: string): ParsedServer {
  const parsed = parseUrl(url);
  if (!parsed) {
    throw new ConfigurationError([`${name} is not a URL such as nats://host:port`]);
  }
  const user = decodeUrlPart(parsed.username);
  const pass = decodeUrlPart(parsed.password);
  const { protocol, hostname, port, pathname, search, hash } = parsed;
  const problems: string[] = [];
  if (protocol !== "nats:" && protocol !== "tls:") {
    problems.push("must start with nats:// or tls://");
  }
  if (hostname === "" || hostname.includes(",")) problems.push("must name one host");
  if (port === "0") problems.push("must have a port from 1 to 65535");
  if ((pathname !== "" && pathname !== "/") || search !== "" || hash !== "") {
    problems.push("must end with the port, and have / ? # in user and password percent-encoded");
  }
  if ([user, pass].includes(MALFORMED)) {
    problems.push("must have user and password percent-encoded");
  }
  if (problems.length > 0) throw new ConfigurationError(problems.map((one) => `${name} ${one}`));
  return {
    server: { hostname, port: port === "" ? 4222 : Number(port) },
    login: user === "" ? {} : pass === "" ? { token: user } : { user, pass },
    tls: protocol === "tls:",
  };
}
