import type { RedisScript } from "../../../core/redis/redis_script.ts";

/** Whether `id` is pending with `consumer`, as a Lua function. */
const IS_OWN = `
local function isOwn(key, group, id, consumer)
  local found = redis.call('XPENDING', key, group, id, id, 1)
  return found[1] ~= nil and found[1][2] == consumer
end
`;

/**
 * Takes entries from consumers that were silent: KEYS the stream, ARGV group, consumer, silent for how many
 * milliseconds, how many. Replies with how many are gone from the stream, and the id, content and attempt of each.
 */
export const TAKE_OVER: RedisScript = {
  name: "take over",
  text: `
local group, consumer, idleMs, max = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local taken, lost, start = {}, 0, '-'
while #taken < max do
  local found = redis.call('XPENDING', KEYS[1], group, 'IDLE', idleMs, start, '+', 100)
  if #found == 0 then break end
  for _, one in ipairs(found) do
    start = '(' .. one[1]
    if one[2] ~= consumer and #taken < max then
      local claimed = redis.call('XCLAIM', KEYS[1], group, consumer, idleMs, one[1])
      if claimed[1] then
        table.insert(taken, {claimed[1][1], claimed[1][2], one[4] + 1})
      else
        lost = lost + 1
        redis.call('XACK', KEYS[1], group, one[1])
      end
    end
  end
end
return {lost, taken}`,
};

/** Keeps entries for their consumer: KEYS the stream, ARGV group, consumer, ids. */
export const EXTEND: RedisScript = {
  name: "extend entries",
  repeatable: true,
  text: `${IS_OWN}
for i = 3, #ARGV do
  if isOwn(KEYS[1], ARGV[1], ARGV[i], ARGV[2]) then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end`,
};

/**
 * Moves an entry into the group's own stream, whose readers get it at once: KEYS the stream that it is in and
 * the group's own, ARGV group, consumer, id, bytes, position, attempt, and whether the first key is the group's own.
 */
export const RELEASE: RedisScript = {
  name: "release entry",
  text: `${IS_OWN}
if not isOwn(KEYS[1], ARGV[1], ARGV[3], ARGV[2]) then return 0 end
redis.call('XADD', KEYS[2], '*', 'd', ARGV[4], 'p', ARGV[5], 'a', ARGV[6])
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
if ARGV[7] == '1' then redis.call('XDEL', KEYS[1], ARGV[3]) end
return 1`,
};

/**
 * Makes a dead letter of an entry: KEYS the stream that it is in and the group's dead letters, ARGV group, consumer,
 * id, bytes, position, the rest of the letter, and whether the first key is the group's own stream.
 */
export const BURY: RedisScript = {
  name: "bury entry",
  text: `${IS_OWN}
if not isOwn(KEYS[1], ARGV[1], ARGV[3], ARGV[2]) then return 0 end
redis.call('XADD', KEYS[2], '*', 'd', ARGV[4], 'p', ARGV[5], 'm', ARGV[6])
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
if ARGV[7] == '1' then redis.call('XDEL', KEYS[1], ARGV[3]) end
return 1`,
};

/** Gives dead letters to the group again: KEYS the dead letters and the group's own stream, ARGV ids. */
export const REDRIVE: RedisScript = {
  name: "redrive letters",
  text: `
local count = 0
for _, id in ipairs(ARGV) do
  local letter = redis.call('XRANGE', KEYS[1], id, id)[1]
  if letter then
    local fields = letter[2]
    redis.call('XADD', KEYS[2], '*', 'd', fields[2], 'p', fields[4], 'a', '0')
    redis.call('XDEL', KEYS[1], id)
    count = count + 1
  end
end
return count`,
};

/**
 * How a group stands: KEYS the stream, the group's own, its dead letters, ARGV group. Replies with `nil` if there is
 * no such group, else with what is pending, what waits (-1: nobody knows), dead letters, and the idle
 * milliseconds of the oldest pending entry (-1: none).
 */
export const GROUP_STATE: RedisScript = {
  name: "group state",
  repeatable: true,
  text: `
local function infoOf(key)
  if redis.call('EXISTS', key) == 0 then return nil end
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local info = {}
    for i = 1, #flat, 2 do info[flat[i]] = flat[i + 1] end
    if info.name == ARGV[1] then return info end
  end
end
local own = infoOf(KEYS[1])
if not own then return nil end
local pending, lag, oldest = 0, 0, -1
for i = 1, 2 do
  local info = infoOf(KEYS[i])
  if info then
    pending = pending + info.pending
    if lag >= 0 and info.lag then lag = lag + info.lag else lag = -1 end
    local first = redis.call('XPENDING', KEYS[i], ARGV[1], '-', '+', 1)[1]
    if first and first[3] > oldest then oldest = first[3] end
  end
end
return {pending, lag, redis.call('XLEN', KEYS[3]), oldest}`,
};

/**
 * Removes at most 1,000 old records: KEYS the stream, and a hash of what groups lost; ARGV how many to keep, and whether
 * to remove what groups are not done with. Replies with how many it removed.
 */
export const TRIM: RedisScript = {
  name: "trim stream",
  text: `
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function isLess(one, other)
  local ms, seq = parts(one)
  local otherMs, otherSeq = parts(other)
  return ms < otherMs or (ms == otherMs and seq < otherSeq)
end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local excess = redis.call('XLEN', KEYS[1]) - tonumber(ARGV[1])
if excess <= 0 then return 0 end
local groups = {}
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local info = {}
  for i = 1, #flat, 2 do info[flat[i]] = flat[i + 1] end
  local pending = redis.call('XPENDING', KEYS[1], info.name)
  table.insert(groups, {
    name = info.name,
    last = info['last-delivered-id'],
    oldest = pending[1] > 0 and pending[2] or nil,
    lost = 0
  })
end
local last, removed = nil, 0
local records = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', math.min(excess, 1000))
for _, record in ipairs(records) do
  local id = record[1]
  local isNeeded = false
  for _, group in ipairs(groups) do
    if isLess(group.last, id) or (group.oldest and not isLess(id, group.oldest)) then
      isNeeded = true
    end
  end
  if isNeeded and ARGV[2] ~= '1' then break end
  for _, group in ipairs(groups) do
    if isLess(group.last, id) then
      group.lost = group.lost + 1
      group.upTo = id
    end
  end
  last, removed = id, removed + 1
end
if removed == 0 then return 0 end
local ms, seq = string.match(last, '^(%d+)-(%d+)$')
redis.call('XTRIM', KEYS[1], 'MINID', '=', ms .. '-' .. string.format('%.0f', tonumber(seq) + 1))
for _, group in ipairs(groups) do
  if group.lost > 0 then
    redis.call('HINCRBY', KEYS[2], group.name, group.lost)
    redis.call('XGROUP', 'SETID', KEYS[1], group.name, group.upTo)
  end
end
return removed`,
};

/**
 * Forgets consumers that hold nothing: KEYS a stream, ARGV group, after how many idle milliseconds, and one that goes
 * at once. One that holds something must stay, because the server would forget that with it.
 */
export const FORGET_CONSUMERS: RedisScript = {
  name: "forget consumers",
  repeatable: true,
  text: `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local count = 0
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local info = {}
  for i = 1, #flat, 2 do info[flat[i]] = flat[i + 1] end
  if info.pending == 0 and (info.idle >= tonumber(ARGV[2]) or info.name == ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], info.name)
    count = count + 1
  end
end
return count`,
};

/** Takes what a group is to be told that it lost: KEYS the hash of what groups lost, ARGV group. */
export const TAKE_LOST: RedisScript = {
  name: "take lost",
  text: `
local lost = redis.call('HGET', KEYS[1], ARGV[1])
if not lost then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
return tonumber(lost)`,
};
