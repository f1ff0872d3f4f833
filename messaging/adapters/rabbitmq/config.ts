import { checkTimeout } from "../../../core/call_options.ts";
import { type Clock, systemClock } from "../../../core/clock.ts";
import { ConfigurationError, ValidationError } from "../../../core/errors.ts";
import { kindOf } from "../../../core/shown_value.ts";
import { checkInteger } from "../../../core/validation.ts";
import { checkSegment } from "../../channel_rules.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES } from "../../envelope.ts";
import type { StreamBusOptions } from "../../portable_streams.ts";
import { parseAmqpUrl } from "./amqp_url.ts";
import type { ConnectionSettings } from "./connection.ts";

/** What a `RabbitMqStreamBus` connects to, and how it works; everything has a default. */
export interface RabbitMqStreamBusConfig extends StreamBusOptions {
  /**
   * `amqp://user:password@host:port/vhost`, or `amqps://` for verified TLS. Default: the user `guest` at
   * `amqp://127.0.0.1:5672`.
   */
  readonly url?: string | undefined;
  /** Certificate authorities for `amqps://`, as PEM, where those of the system do not do; refused without TLS. */
  readonly ca?: string | undefined;
  /**
   * What the names of its exchanges and queues begin with: 1 to 50 of `A-Z a-z 0-9 . _ -`. Buses with the same
   * prefix share streams. Default: `exchange`.
   */
  readonly prefix?: string | undefined;
  /** The largest payload, as bytes of JSON in UTF-8. Default: 1,000,000; the server has a limit, too. */
  readonly maxPayloadBytes?: number | undefined;
  /** How long an attempt to connect may take, in milliseconds. Default: 5,000. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * How often each side shows the other that it lives, in milliseconds from 1,000 to 600,000, taken as whole
   * seconds. Who is silent for twice that long, or three times, is taken for dead, and its entries go to others.
   * Default: 5,000.
   */
  readonly heartbeatMs?: number | undefined;
}

/** A configuration with nothing left to decide. */
export interface RabbitMqSettings extends ConnectionSettings {
  /** What names begin with. */
  readonly prefix: string;
  /** The largest payload. */
  readonly maxPayloadBytes: number;
}

/** Checks a configuration; throws a `ValidationError` or `ConfigurationError` that names what is wrong. */
export function checkConfig(config: RabbitMqStreamBusConfig): RabbitMqSettings {
  if (typeof config !== "object" || config === null) {
    throw new ValidationError("config", `it must be an object, got ${kindOf(config)}`);
  }
  const { ca, prefix = "exchange", maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES } = config;
  const { connectTimeoutMs = 5_000, heartbeatMs = 5_000, clock = systemClock } = config;
  const address = parseAmqpUrl(config.url ?? "amqp://127.0.0.1:5672", "url");
  if (ca !== undefined && !address.tls) {
    throw new ConfigurationError(["url must start with amqps://, because there is a ca"]);
  }
  checkInteger("heartbeatMs", heartbeatMs, { min: 1_000, max: 600_000 });
  return {
    address,
    ca,
    prefix: checkPrefix(prefix),
    maxPayloadBytes: checkInteger("maxPayloadBytes", maxPayloadBytes, { min: 1 }),
    connectTimeoutMs: checkTimeout(connectTimeoutMs, "connectTimeoutMs"),
    heartbeatSeconds: Math.ceil(heartbeatMs / 1_000),
    clock: clock satisfies Clock,
  };
}

function checkPrefix(prefix: string): string {
  checkSegment("prefix", prefix);
  if (prefix.length > 50) {
    throw new ValidationError("prefix", `it must have at most 50 characters, got ${prefix.length}`);
  }
  if (!prefix.startsWith("amq.")) return prefix;
  throw new ValidationError(
    "prefix",
    'it must not begin with "amq.", which servers keep to themselves',
  );
}
