import { checkTimeout } from "../../../core/call_options.ts";
import { systemClock } from "../../../core/clock.ts";
import { MessagingError, ValidationError } from "../../../core/errors.ts";
import { type Observer, safeObserver, silentObserver } from "../../../core/observer.ts";
import type { RedisClientLike } from "../../../core/redis/channel.ts";
import type { RedisArea } from "../../../core/redis/redis_area.ts";
import { isClient, type RedisSource, targetOf } from "../../../core/redis/redis_source.ts";
import { checkInteger } from "../../../core/validation.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES } from "../../envelope.ts";
import { checkSource } from "../../event_attributes.ts";
import type { StreamBusOptions } from "../../portable_streams.ts";
import type { StreamDriverSettings } from "./stream_driver.ts";

/** How a `RedisStreamBus` works; everything has a default. */
export interface RedisStreamBusOptions extends StreamBusOptions {
  /** What all its keys begin with, 1 to 64 of `A-Z a-z 0-9 . _ -`. Default: `exchange`. */
  readonly namespace?: string | undefined;
  /** The largest payload, as bytes of JSON in UTF-8. Default: 1,000,000. */
  readonly maxPayloadBytes?: number | undefined;
  /** How many records that every group is done with a channel keeps for replays. Default: 100,000. */
  readonly keep?: number | undefined;
  /** How long an attempt to connect may take, in milliseconds. Default: 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Hears of lost connections. Default: nobody. */
  readonly observer?: Observer | undefined;
}

/** What a `RedisStreamBus` connects to, and how it works. */
export interface RedisStreamBusConfig extends RedisSource, RedisStreamBusOptions {}

const AREA: RedisArea = {
  name: "messaging",
  connect: "RedisStreamBus.connect",
  subject: "stream bus",
  errorClass: MessagingError,
};

/** Checks a configuration; throws a `ValidationError` or `ConfigurationError` that names what is wrong. */
export function checkStreamConfig(
  source: RedisStreamBusConfig | RedisClientLike,
  options: RedisStreamBusOptions,
): StreamDriverSettings & StreamBusOptions {
  const chosen: RedisStreamBusOptions = isClient(source) ? options : source;
  const { namespace = "exchange", maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES } = chosen;
  const connectTimeoutMs = checkTimeout(chosen.connectTimeoutMs ?? 2_000, "connectTimeoutMs");
  return {
    area: AREA,
    target: targetOf(source, connectTimeoutMs),
    namespace: checkNamespace(namespace),
    maxPayloadBytes: checkInteger("maxPayloadBytes", maxPayloadBytes, { min: 1 }),
    keep: checkInteger("keep", chosen.keep ?? 100_000, { min: 0 }),
    source: checkSource(chosen.source ?? "/benchmark-exchange"),
    onProblem: chosen.onProblem,
    connectTimeoutMs,
    clock: chosen.clock ?? systemClock,
    observer: safeObserver(chosen.observer ?? silentObserver),
  };
}

function checkNamespace(namespace: unknown): string {
  if (typeof namespace === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(namespace)) return namespace;
  const why = 'it must have 1 to 64 ASCII letters, digits, ".", "_" and "-"';
  throw new ValidationError("namespace", why);
}
