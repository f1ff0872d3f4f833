import { ConfigurationError } from "../core/errors.ts";
import { decodeUrlPart, MALFORMED, parseUrl } from "../core/url_text.ts";

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

const KNOWN_PARAMETERS = ["sslmode", "sslrootcert", "application_name"];

const TLS_MODES: Readonly<Record<string, ConnectionSettings["tls"]>> = {
  "disable": "disable",
  "require": "verify",
  "verify-ca": "verify",
  "verify-full": "verify",
};

/** Known elsewhere. Any other text can be part of a password that was not encoded, so it is not shown. */
const REFUSED_TLS_MODES = ["allow", "prefer", "no-verify"];

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`. A server beyond loopback is spoken to
 * over verified TLS unless `sslmode=disable` says otherwise; `require`, `verify-ca` and `verify-full` all
 * verify fully. Modes that fall back in silence (`allow`, `prefer`, `no-verify`) and lists of hosts are
 * refused. Special characters have to be percent-encoded.
 *
 * Throws a {@linkcode ConfigurationError} that lists every problem and never shows the URL, which
 * holds the password.
 *
 * ```ts
 * import { parseConnectionUrl } from "@benchmark-exchange/infrastructure/database";
 *
 * const url = "postgres://exchange:p%40ss@db.example.org/benchmarks?application_name=importer";
 * const { host, port, password, tls } = parseConnectionUrl(url);
 * console.log(host, port, password, tls); // db.example.org 5432 p@ss verify
 * console.log(parseConnectionUrl("postgres://localhost/benchmarks").tls); // disable
 * ```
 */
export function parseConnectionUrl(url: string, name = "DATABASE_URL"): ConnectionSettings {
  const parsed = parseUrl(url);
  if (!parsed) {
    const problem =
      "is not a URL such as postgres://user@host/database, or special characters in " +
      "it are not percent-encoded";
    throw new ConfigurationError([`${name} ${problem}`]);
  }
  const { searchParams } = parsed;
  const parts = {
    user: decodeUrlPart(parsed.username),
    password: decodeUrlPart(parsed.password),
    host: decodeUrlPart(parsed.hostname.replace(/^\[(.*)\]$/, "$1")),
    database: decodeUrlPart(parsed.pathname.slice(1)),
    sslrootcert: searchParams.get("sslrootcert") ?? undefined,
    application_name: searchParams.get("application_name") ?? "benchmark-exchange",
  };
  const host = parts.host || "localhost";
  const mode = searchParams.get("sslmode") ?? defaultMode(host);
  const problems = [...formProblems(parsed), ...partProblems(parts), ...modeProblems(mode)];
  if (problems.length > 0) throw new ConfigurationError(problems.map((one) => `${name} ${one}`));
  return {
    host,
    port: parsed.port === "" ? 5432 : Number(parsed.port),
    user: parts.user || "postgres",
    password: parts.password,
    database: parts.database,
    tls: TLS_MODES[mode] ?? "verify",
    caFile: parts.sslrootcert,
    applicationName: parts.application_name,
  };
}

function defaultMode(host: string): string {
  return LOOPBACK.has(host) || host.startsWith("/") ? "disable" : "verify-full";
}

function formProblems({ protocol, hostname, port, pathname, hash, searchParams }: URL): string[] {
  const problems: string[] = [];
  if (!/^postgres(ql)?:$/.test(protocol) || !pathname.startsWith("/")) {
    problems.push("must start with postgres:// or postgresql://");
  }
  if (hostname.includes(",")) problems.push("must name one host");
  if (port === "0") problems.push("must have a port from 1 to 65535");
  if (pathname.length < 2) problems.push("must name a database after the host");
  if (/[/@]/.test(pathname.slice(1)) || hash !== "") {
    problems.push("must have @ / # in user, password and database percent-encoded");
  }
  const keys = [...searchParams.keys()];
  if (keys.some((key, i) => !KNOWN_PARAMETERS.includes(key) || keys.indexOf(key) !== i)) {
    problems.push(`must have no parameters but ${KNOWN_PARAMETERS.join(", ")}, each at most once`);
  }
  return problems;
}

function partProblems(parts: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(parts).flatMap(([part, value = ""]) => {
    if (value === MALFORMED) return [`has a ${part} that is not percent-encoded UTF-8`];
    // deno-lint-ignore no-control-regex
    return /[\0-\x1f\x7f]/.test(value) ? [`has a control character in its ${part}`] : [];
  });
}

function modeProblems(mode: string): string[] {
  if (Object.hasOwn(TLS_MODES, mode)) return [];
  const got = REFUSED_TLS_MODES.includes(mode) ? mode : "something else";
  return [`must have sslmode disable or verify-full, got ${got}`];
}
