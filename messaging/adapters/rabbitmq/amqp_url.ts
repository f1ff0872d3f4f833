import { ConfigurationError } from "../../../core/errors.ts";
import { decodeUrlPart, MALFORMED, parseUrl } from "../../../core/url_text.ts";

/** Where a RabbitMQ server is and how to log in, as taken from a URL. */
export interface AmqpAddress {
  /** Host name or address. */
  readonly host: string;
  /** Default: 5672, or 5671 with TLS. */
  readonly port: number;
  /** Default: `guest`, which servers let in from their own machine only. */
  readonly username: string;
  /** Never shown in an error. */
  readonly password: string;
  /** The virtual host. Default: `/`. */
  readonly virtualHost: string;
  /** Whether everything goes over verified TLS (`amqps:`). */
  readonly tls: boolean;
}

/**
 * Reads `amqp://user:password@host:port/vhost`, or `amqps://` for verified TLS. Special characters have to be
 * percent-encoded, such as `%2F` in the name of a virtual host; parameters are refused.
 *
 * Throws a {@linkcode ConfigurationError} that lists every problem and never shows the URL, which holds the
 * password.
 */
export function parseAmqpUrl(url: string, name = "RABBITMQ_URL"): AmqpAddress {
  const parsed = parseUrl(url);
  if (!parsed) {
    const problem =
      "is not a URL such as amqp://host:port or amqps://user:password@host:port/vhost, " +
      "or special characters in it are not percent-encoded";
    throw new ConfigurationError([`${name} ${problem}`]);
  }
  const [username, password, virtualHost] = [
    parsed.username,
    parsed.password,
    parsed.pathname.slice(1),
  ].map(decodeUrlPart) as [string, string, string];
  const problems = formProblems(parsed);
  if ([username, password, virtualHost].some((part) => part.includes(MALFORMED))) {
    problems.push("must have user, password and virtual host percent-encoded");
  }
  if (problems.length > 0) throw new ConfigurationError(problems.map((one) => `${name} ${one}`));
  const tls = parsed.protocol === "amqps:";
  const isGuest = username === "" && password === "";
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1") || "127.0.0.1",
    port: parsed.port === "" ? (tls ? 5671 : 5672) : Number(parsed.port),
    username: isGuest ? "guest" : username,
    password: isGuest ? "guest" : password,
    virtualHost: virtualHost || "/",
    tls,
  };
}

function formProblems({ protocol, hostname, port, pathname, search, hash }: URL): string[] {
  const problems: string[] = [];
  if (!/^amqps?:$/.test(protocol)) problems.push("must start with amqp:// or amqps://");
  if (hostname === "" || hostname.includes(",")) problems.push("must name one host");
  if (port === "0") problems.push("must have a port from 1 to 65535");
  if (/[/@]/.test(pathname.slice(1)) || hash !== "") {
    problems.push("must have @ / # in user, password and virtual host percent-encoded");
  }
  if (search !== "") problems.push("must have no parameters");
  return problems;
}
