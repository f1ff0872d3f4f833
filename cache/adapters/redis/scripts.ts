import type { RedisScript } from "../../../core/redis/redis_script.ts";

// How every script sees its key; see `frame.ts` for the bytes. A value that carries tags is only known to be
// there if the caller has checked them, and says so by passing the value's token as ARGV[1], or 'any'.
const LOOK = `
local head = redis.call('GETRANGE', KEYS[1], 0, 30)
local state, stale = 'value', 0
if head == '' then
  state = 'missing'
elseif string.byte(head, 1) == 0 then
  local kind = string.sub(head, 2, 2)
  if kind ~= 'V' then
    state = 'missing'
  elseif math.floor((string.byte(head, 3) or 0) / 4) % 2 == 1 then
    stale = tonumber(string.match(string.sub(head, 20, 31), '^%d+$') or 0)
    local left = redis.call('PTTL', KEYS[1])
    if left >= 0 and left <= stale then
      state = 'missing'
    elseif ARGV[1] ~= 'any' and math.floor(string.byte(head, 3) / 8) % 2 == 1
        and string.sub(head, 4, 19) ~= ARGV[1] then
      return 'tagged'
    end
  end
end
`;

/** Writes a value that lives for so many milliseconds, or for ever if there is nothing. */
function setFor(value: string, ms: string): string {
  return `if ${ms} == '' then
  redis.call('SET', KEYS[1], ${value})
else
  redis.call('SET', KEYS[1], ${value}, 'PX', ${ms})
end`;
}

/** Milliseconds left; -1 for no expiry, -2 for a missing key. */
export const LOGICAL_TTL: RedisScript = {
  name: "logical ttl",
  repeatable: true,
  text: `${LOOK}
if state == 'missing' then return -2 end
local left = redis.call('PTTL', KEYS[1])
if left == -1 then return -1 end
return left - stale`,
};

/** ARGV[2]: milliseconds. Whether the key was there. */
export const EXPIRE: RedisScript = {
  name: "expire",
  repeatable: true,
  text: `${LOOK}
if state == 'missing' then return 0 end
return redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]) + stale)`,
};

/** ARGV[2]: the value; ARGV[3]: milliseconds, or nothing. Whether it wrote. */
export const SET_IF_MISSING: RedisScript = {
  name: "set if missing",
  text: `${LOOK}
if state ~= 'missing' then return 0 end
${setFor("ARGV[2]", "ARGV[3]")}
return 1`,
};

/**
 * ARGV[2]: by how much; ARGV[3]: milliseconds for a missing key, or nothing. The sum as text, or
 * 'conflict'.
 */
export const INCREMENT: RedisScript = {
  name: "increment",
  text: `${LOOK}
if state == 'missing' then
  ${setFor("ARGV[2]", "ARGV[3]")}
  return ARGV[2]
end
if head ~= '0' and not string.match(head, '^%-?[1-9]%d*$') then return 'conflict' end
local value = tonumber(head)
if value > 9007199254740991 or value < -9007199254740991 then return 'conflict' end
local sum = redis.call('INCRBY', KEYS[1], ARGV[2])
if sum > 9007199254740991 or sum < -9007199254740991 then
  -- Not by the negated number: the server counts with 64 bits, so this is exact.
  redis.call('DECRBY', KEYS[1], ARGV[2])
  return 'conflict'
end
return redis.call('GET', KEYS[1])`,
};

/** Removes the key, whatever it holds; whether a value was there. */
export const REMOVE: RedisScript = {
  name: "remove",
  repeatable: true,
  text: `${LOOK}
redis.call('UNLINK', KEYS[1])
return state == 'missing' and 0 or 1`,
};

/** ARGV[1]: what the key must begin with. Removes it then. */
export const REMOVE_IF: RedisScript = {
  name: "remove if",
  repeatable: true,
  text: `
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])`,
};

/** ARGV[1]: a lease; ARGV[2]: milliseconds. 'won', or what the key holds instead. */
export const CLAIM: RedisScript = {
  name: "claim",
  text: `
local found = redis.call('GET', KEYS[1])
if found then return found end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'won'`,
};

/** ARGV[1]: what the key must begin with. Milliseconds left, -1 for no expiry; -3 if it begins otherwise. */
export const LEFT_IF: RedisScript = {
  name: "left if",
  repeatable: true,
  text: `
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return -3 end
return redis.call('PTTL', KEYS[1])`,
};

/** ARGV[1]: what the key must begin with; ARGV[2]: milliseconds. Prolongs it then. */
export const PROLONG_IF: RedisScript = {
  name: "prolong if",
  repeatable: true,
  text: `
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`,
};

/** ARGV[1]: what the key must begin with; ARGV[2]: what to put in place of it; ARGV[3]: milliseconds, or nothing. */
export const REPLACE_IF: RedisScript = {
  name: "replace if",
  text: `
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
${setFor("ARGV[2]", "ARGV[3]")}
return 1`,
};

/**
 * ARGV[1]: for how many milliseconds a value will carry the tag, or nothing for ever; ARGV[2]: a new version. The
 * version of the tag, which lives at least as long as the value.
 */
export const TAG_VERSION: RedisScript = {
  name: "tag version",
  repeatable: true,
  text: `
local found = redis.call('GET', KEYS[1])
if not found then
  ${setFor("ARGV[2]", "ARGV[1]")}
  return ARGV[2]
end
local left = redis.call('PTTL', KEYS[1])
if ARGV[1] == '' then
  if left >= 0 then redis.call('PERSIST', KEYS[1]) end
elseif left >= 0 and left < tonumber(ARGV[1]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return found`,
};

/**
 * Removes all keys but values with tags; how many values there were, and the positions of those with tags, from 0.
 * The keys must be on one node.
 */
export const REMOVE_MANY: RedisScript = {
  name: "remove many",
  text: `
local reply = {0}
for i, key in ipairs(KEYS) do
  local head = redis.pcall('GETRANGE', key, 0, 2)
  if type(head) == 'table' then
    -- It holds no string, and so no value.
    redis.call('UNLINK', key)
  else
    local plain = string.byte(head, 1) ~= 0
    local isValue = plain or string.sub(head, 2, 2) == 'V'
    if not plain and isValue and math.floor((string.byte(head, 3) or 0) / 4) % 2 == 1 then
      reply[#reply + 1] = i - 1
    elseif redis.call('UNLINK', key) == 1 and isValue then
      reply[1] = reply[1] + 1
    end
  end
end
return reply`,
};
