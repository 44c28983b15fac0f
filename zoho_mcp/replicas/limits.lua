-- KEYS: 2 waiting tickets by number, 3 and by expiry, 4 tickets under way by expiry, 5 sent requests by time, 6 the day,
-- 7 the block, 8 the last number. Keys expire after two days without use.
local step, ticket = ARGV[1], ARGV[3]
local WINDOW, BLOCKED, SLOWED, DAY = 61000, 60000, 600000, 86400000

local function touch()
    for i = 2, 8 do redis.call('PEXPIRE', KEYS[i], 2 * DAY) end
end

local function set_day(limit, remaining, resets_at, told)
    redis.call('HSET', KEYS[6], 'limit', limit, 'remaining', remaining, 'resets_at', resets_at, 'told', told)
    return {tonumber(limit), tonumber(remaining), tonumber(resets_at), tonumber(told)}
end

local function today(per_day)
    local found = redis.call('HMGET', KEYS[6], 'limit', 'remaining', 'resets_at', 'told')
    if not found[1] or tonumber(found[3]) > now + 2 * DAY then return set_day(per_day, per_day, now + DAY, 0) end
    local resets_at = tonumber(found[3])
    if resets_at > now then return {tonumber(found[1]), tonumber(found[2]), resets_at, tonumber(found[4])} end
    local behind = math.floor((now - resets_at) / DAY) + 1
    return set_day(found[1], found[1], resets_at + behind * DAY, found[4])
end

-- A time in the far future was written before Redis's clock was set back.
local function drop_expired()
    for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
        redis.call('ZREM', KEYS[2], gone)
        redis.call('ZREM', KEYS[3], gone)
    end
    redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
    redis.call('ZREMRANGEBYSCORE', KEYS[4], now + 10 * WINDOW, '+inf')
    redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - WINDOW)
    redis.call('ZREMRANGEBYSCORE', KEYS[5], now + WINDOW, '+inf')
end

-- The time at which the minute has room for a request with `ahead` others before it.
local function free_at(ahead, per_minute)
    local found = redis.call('HMGET', KEYS[7], 'blocked', 'slowed')
    local blocked, slowed = tonumber(found[1] or 0), tonumber(found[2] or 0)
    if blocked > now + 2 * BLOCKED then blocked, slowed = 0, 0 end
    local rate = per_minute
    if slowed > now then rate = math.max(1, math.floor(per_minute / 2)) end
    local used = redis.call('ZCARD', KEYS[5])
    local in_the_way = used + ahead - rate
    if in_the_way < 0 then return blocked end
    if in_the_way >= used then return math.max(blocked, now + WINDOW) end
    local at = redis.call('ZRANGE', KEYS[5], in_the_way, in_the_way, 'WITHSCORES')[2]
    return math.max(blocked, at + WINDOW)
end

if step == 'turn' then -- ticket, per minute, per day, at once, lease while waiting, lease while under way
    if not settled() then return {'settling'} end
    if redis.call('ZSCORE', KEYS[4], ticket) then return {'go'} end -- its response was lost
    if today(ARGV[5])[2] <= 0 then return {'used up'} end
    drop_expired()
    if not redis.call('ZSCORE', KEYS[2], ticket) then
        redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[8]), ticket)
    end
    redis.call('ZADD', KEYS[3], now + ARGV[7], ticket)
    touch()
    local ahead = redis.call('ZRANK', KEYS[2], ticket)
    local wait = free_at(ahead, tonumber(ARGV[4])) - now
    if wait > 0 then return {'wait', wait} end
    if ahead > 0 or redis.call('ZCARD', KEYS[4]) >= tonumber(ARGV[6]) then return {'wait', 0} end
    redis.call('ZREM', KEYS[2], ticket)
    redis.call('ZREM', KEYS[3], ticket)
    redis.call('ZADD', KEYS[4], now + ARGV[8], ticket)
    redis.call('ZADD', KEYS[5], now, ticket)
    redis.call('HINCRBY', KEYS[6], 'remaining', -1)
    return {'go'}
end

if step == 'leave' then -- ticket, 1 if it was sent, then limit, remaining and milliseconds to the reset, or nothing
    redis.call('ZREM', KEYS[2], ticket)
    redis.call('ZREM', KEYS[3], ticket)
    redis.call('ZREM', KEYS[4], ticket)
    if ARGV[4] == '1' then redis.call('ZADD', KEYS[5], now, ticket) end
    if ARGV[5] then
        local remaining = ARGV[6] - redis.call('ZCARD', KEYS[4])
        set_day(ARGV[5], string.format('%d', remaining), string.format('%.0f', now + ARGV[7]), 1)
    end
    touch()
    return {'left'}
end

if step == 'restore' then -- for each: ticket, milliseconds since it was sent, 1 if it is under way
    for i = 3, #ARGV, 3 do
        redis.call('ZADD', KEYS[5], 'NX', now - ARGV[i + 1], ARGV[i])
        if ARGV[i + 2] == '0' then redis.call('ZREM', KEYS[4], ARGV[i]) end
    end
    touch()
    return {'restored'}
end

if step == 'block' then
    redis.call('HSET', KEYS[7], 'blocked', now + BLOCKED, 'slowed', now + SLOWED)
    touch()
    return {'blocked'}
end

if step == 'use up' then -- limit and milliseconds to the reset, or nothing
    if ARGV[3] then set_day(ARGV[3], 0, string.format('%.0f', now + ARGV[4]), 1) end
    if redis.call('EXISTS', KEYS[6]) == 1 then redis.call('HSET', KEYS[6], 'remaining', 0) end
    touch()
    return {'used up'}
end

if step == 'today' then -- per day
    local day = today(ARGV[3])
    touch()
    return {'today', day[1], day[2], day[3] - now, day[4]}
end
