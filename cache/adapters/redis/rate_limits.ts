import type { CallOptions } from "../../../core/call_options.ts";
import { checkCall } from "../../call_rules.ts";
import { checkKey } from "../../key_rules.ts";
import { checkRate } from "../../rate_limit_rules.ts";
import { rateStepMs } from "../../rate_limit_window.ts";
import type { RateLimit, RateLimiter, RateLimitResult } from "../../rate_limiter.ts";
import type { RedisScript } from "../../../core/redis/redis_script.ts";
import type { RunScript } from "./script.ts";

/**
 * Does on the server what `RateLimitWindow` does in memory. The hash has a field for each step in which
 * something passed: from when on the step does not count, and how much passed.
 *
 * Times and counts are whole and far below 2^53, so they are exact in Lua; `%.0f` writes all their digits.
 */
const SCRIPT: RedisScript = {
  name: "rate limit",
  text: `
local limit, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local window, step = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local hash = redis.call("HGETALL", KEYS[1])
local counting, left, passed, reset = {}, {}, 0, now
for i = 1, #hash, 2 do
  local leaves, count = tonumber(hash[i]), tonumber(hash[i + 1])
  if leaves > now then
    counting[#counting + 1] = { leaves, count }
    passed = passed + count
    reset = math.max(reset, leaves)
  else
    left[#left + 1] = hash[i]
  end
end

local excess = passed + cost - limit
if cost == 0 or excess <= 0 then
  if cost > 0 then
    if #left > 0 then redis.call("HDEL", KEYS[1], unpack(left)) end
    local leaves = now - now % step + step + window
    reset = math.max(reset, leaves)
    redis.call("HINCRBY", KEYS[1], string.format("%.0f", leaves), ARGV[2])
    redis.call("PEXPIREAT", KEYS[1], string.format("%.0f", reset))
  end
  return { 1, math.max(0, limit - passed - cost), reset, 0 }
end

table.sort(counting, function(a, b) return a[1] < b[1] end)
local retry = reset
for _, each in ipairs(counting) do
  excess = excess - each[2]
  if excess <= 0 then
    retry = each[1]
    break
  end
end
return { 0, math.max(0, limit - passed), reset, retry - now }
`,
};

/**
 * Rate limits on a Redis server, for all processes that use it. The clock is that of the server. Every call is
 * one script on one key, which expires when nothing counts any more.
 *
 * A server that loses keys forgets what has passed: at a failover what the replica has not got yet, and what it
 * evicts if its `maxmemory-policy` lets it.
 */
export class RedisRateLimits implements RateLimiter {
  readonly #runScript: RunScript;

  /** Creates a rate limiter on the server that `runScript` reaches. */
  constructor(runScript: RunScript) {
    this.#runScript = runScript;
  }

  /** See {@linkcode RateLimiter.checkRateLimit}. */
  async checkRateLimit(
    key: string,
    limit: RateLimit,
    options?: CallOptions,
  ): Promise<RateLimitResult> {
    const operation = "RateLimiter.checkRateLimit";
    checkCall(operation, options);
    const rate = checkRate(limit);
    const name = `${checkKey(key)}:${rate.windowMs}`;
    const args = [rate.limit, rate.cost, rate.windowMs, rateStepMs(rate.windowMs)].map(String);
    const call = { ...options, operation };
    const reply = await this.#runScript(SCRIPT, "rate", name, args, call);
    const [allowed, remaining, resetAtMs, retryAfterMs] = reply as [number, number, number, number];
    return { allowed: allowed === 1, remaining, resetAt: new Date(resetAtMs), retryAfterMs };
  }
}
