import { ConfigurationError } from "../core/errors.ts";

/** Where a PostgreSQL server is and how to log in, as taken from a URL. */
export interface ConnectionSettings {
  /** Host name, address, or the folder of a Unix socket. */
  readonly host: string;
  /** Default: 5432. */
  readonly port: number;
  /** The user to log in as. */
  readonly user: string;
  /** Never shown in an error. */
  readonly password: string;
  /** The database. */
  readonly database: string;
  /** `verify` checks the certificate and the host name; `disable` sends everything in the clear. */
  readonly tls: "verify" | "disable";
  /** The file of the certificate authority (`sslrootcert`), where the system's own do not do. */
  readonly caFile: string | undefined;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1"]);

const KNOWN_PARAMETERS = new Set(["sslmode", "sslrootcert", "application_name"]);

const TLS_MODES: Readonly<Record<string, ConnectionSettings["tls"]>> = {
  "disable": "disable",
  "require": "verify",
  "verify-ca": "verify",
  "verify-full": "verify",
};

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`. A server beyond loopback is spoken to
 * over verified TLS unless `sslmode=disable` says otherwise; `require`, `verify-ca` and `verify-full` all
 * verify fully. Modes that fall back in silence (`allow`, `prefer`, `no-verify`) are refused.
 *
 * Throws a {@linkcode ConfigurationError} that lists every problem and never shows the URL, which
 * holds the password.
 */
export function parseConnectionUrl(url: string, name = "DATABASE_URL"): ConnectionSettings {
  const parsed = parseUrl(url);
  if (!parsed) {
    throw new ConfigurationError([`${name} is not a URL such as postgres://user@host/database`]);
  }
  const problems: string[] = [];
  if (parsed.protocol !== "postgres:" && parsed.protocol !== "postgresql:") {
    problems.push(`${name} must start with postgres:// or postgresql://`);
  }
  for (const key of parsed.searchParams.keys()) {
    if (!KNOWN_PARAMETERS.has(key)) problems.push(`${name} has an unknown parameter ${key}`);
  }
  const host = decode(parsed.hostname).replace(/^\[(.*)\]$/, "$1") || "localhost";
  const mode = parsed.searchParams.get("sslmode") ?? defaultMode(host);
  const tls = TLS_MODES[mode];
  if (!tls) problems.push(`${name} must have sslmode disable or verify-full, got ${mode}`);
  const database = decode(parsed.pathname.slice(1));
  if (database === "") problems.push(`${name} must name a database after the host`);
  if (problems.length > 0 || !tls) throw new ConfigurationError(problems);
  return {
    host,
    port: parsed.port === "" ? 5432 : Number(parsed.port),
    user: decode(parsed.username) || "postgres",
    password: decode(parsed.password),
    database,
    tls,
    caFile: parsed.searchParams.get("sslrootcert") ?? undefined,
    applicationName: parsed.searchParams.get("application_name") ?? "benchmark-exchange",
  };
}

function defaultMode(host: string): string {
  return LOOPBACK.has(host) || host.startsWith("/") ? "disable" : "verify-full";
}

/** `URL` puts the text, and so the password, into its error: on Deno into the message. */
function parseUrl(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
