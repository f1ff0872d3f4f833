import type { RedisClientLike, RedisTarget } from "../../../core/redis/channel.ts";
import {
  checkRedisSource,
  isRedisClient,
  type RedisSource,
  redisTargetOf,
} from "../../../core/redis/redis_source.ts";
import { checkOptions, type RedisCacheOptions, type RedisCacheSettings } from "./options.ts";

/** What a `RedisCacheProvider` connects to, and how it works. */
export interface RedisCacheConfig extends RedisCacheOptions, RedisSource {}

/** A configuration with nothing left to decide. */
export interface ConnectedCacheSettings extends RedisCacheSettings {
  /** What to connect to. */
  readonly target: RedisTarget;
}

/** Checks a configuration; throws a `ValidationError` or `ConfigurationError` that names what is wrong. */
export function checkConfig(
  source: RedisCacheConfig | RedisClientLike,
  options: RedisCacheOptions,
): ConnectedCacheSettings {
  checkRedisSource(source);
  const settings = checkOptions(isRedisClient(source) ? options : source);
  return { ...settings, target: redisTargetOf(source, settings.connectTimeoutMs) };
}
