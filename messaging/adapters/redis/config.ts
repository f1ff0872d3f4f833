import { checkTimeout } from "../../../core/call_options.ts";
import { type Clock, systemClock } from "../../../core/clock.ts";
import { MessagingError } from "../../../core/errors.ts";
import { type Observer, safeObserver, silentObserver } from "../../../core/observer.ts";
import type { RedisClientLike, RedisTarget } from "../../../core/redis/channel.ts";
import type { RedisArea } from "../../../core/redis/redis_area.ts";
import { isClient, type RedisSource, targetOf } from "../../../core/redis/redis_source.ts";
import { checkInteger } from "../../../core/validation.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES } from "../../envelope.ts";
import { checkSource } from "../../event_attributes.ts";
import { DEFAULT_TIMEOUT_MS } from "../../interruption.ts";
import type { ProblemHandler } from "../../messaging.ts";

/** How a `RedisEventBus` works; everything has a default. */
export interface RedisEventBusOptions {
  /** The `source` of events that do not name one. Default: `/benchmark-exchange`. */
  readonly source?: string | undefined;
  /** The largest payload, as bytes of JSON in UTF-8. Default: 1,000,000. */
  readonly maxPayloadBytes?: number | undefined;
  /** Receives the problems of subscriptions that do not have their own. Default: drops them. */
  readonly onProblem?: ProblemHandler | undefined;
  /** The deadline of calls that have none, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number | undefined;
  /** How long an attempt to connect may take, in milliseconds. Default: 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Measures deadlines. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
  /** Hears of lost connections. Default: nobody. */
  readonly observer?: Observer | undefined;
}

/** What a `RedisEventBus` connects to, and how it works. */
export interface RedisEventBusConfig extends RedisSource, RedisEventBusOptions {}

const AREA: RedisArea = {
  name: "messaging",
  connect: "RedisEventBus.connect",
  subject: "event bus",
  errorClass: MessagingError,
};

/** A configuration with nothing left to decide. */
export interface RedisEventBusSettings {
  /** Whose connections they are. */
  readonly area: RedisArea;
  readonly target: RedisTarget;
  readonly source: string;
  readonly maxPayloadBytes: number;
  readonly onProblem: ProblemHandler;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** Checks a configuration; throws a `ValidationError` or `ConfigurationError` that names what is wrong. */
export function checkConfig(
  source: RedisEventBusConfig | RedisClientLike,
  options: RedisEventBusOptions,
): RedisEventBusSettings {
  const chosen: RedisEventBusOptions = isClient(source) ? options : source;
  const { maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES, timeoutMs = DEFAULT_TIMEOUT_MS } = chosen;
  const connectTimeoutMs = checkTimeout(chosen.connectTimeoutMs ?? 2_000, "connectTimeoutMs");
  return {
    area: AREA,
    target: targetOf(source, connectTimeoutMs),
    source: checkSource(chosen.source ?? "/benchmark-exchange"),
    maxPayloadBytes: checkInteger("maxPayloadBytes", maxPayloadBytes, { min: 1 }),
    onProblem: chosen.onProblem ?? (() => {}),
    timeoutMs: checkTimeout(timeoutMs),
    connectTimeoutMs,
    clock: chosen.clock ?? systemClock,
    observer: safeObserver(chosen.observer ?? silentObserver),
  };
}
