import { CacheError } from "../../../core/errors.ts";
import type { RedisArea } from "../../../core/redis/redis_area.ts";

/** The cache, as its connections speak of it. */
export const CACHE_AREA: RedisArea = {
  name: "cache",
  connect: "RedisCacheProvider.connect",
  subject: "cache",
  errorClass: CacheError,
};
