-- Precedes every script. KEYS[1] is the epoch, since which this Redis has kept its data; ARGV[1] is the step and ARGV[2]
-- the milliseconds in which replicas restore what a Redis that was restarted or emptied has lost.
-- All times are Redis's own, in milliseconds: the clocks of several machines do not agree.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function epoch()
    local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
    local known = redis.call('GET', KEYS[1])
    if known and string.sub(known, 1, #run) == run then return known end
    known = run .. ':' .. now
    redis.call('SET', KEYS[1], known)
    return known
end

local function settled()
    return now - tonumber(string.match(epoch(), ':(%d+)$')) >= tonumber(ARGV[2])
end
