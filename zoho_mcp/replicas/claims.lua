-- KEYS: 2 one claim. Its fields: `what` (encrypted), `mark` (of its call), `at` (last heartbeat, or when it was
-- done), `running` (1 while it runs). A killed holder leaves a claim that is neither running nor done.
local step, mark = ARGV[1], ARGV[3]

local function take(what, keep, age)
    redis.call('HSET', KEYS[2], 'what', what, 'mark', mark, 'at', now - age, 'running', 1)
    redis.call('PEXPIRE', KEYS[2], keep)
end

if step == 'claim' then -- mark, what, lease, keep
    if not settled() then return {'wait'} end
    local found = redis.call('HMGET', KEYS[2], 'what', 'mark', 'at', 'running')
    if found[1] and found[2] ~= mark then
        local age = now - found[3]
        if found[4] and age < tonumber(ARGV[5]) then return {'wait'} end
        return {'earlier', found[1], found[2], age}
    end
    take(ARGV[4], ARGV[6], 0)
    return {'yours'}
end

if step == 'force' then -- mark, what, keep
    local found = redis.call('HMGET', KEYS[2], 'what', 'mark', 'at', 'running')
    if found[1] and not found[4] then
        -- If this call does nothing, the earlier one counts again.
        redis.call('HSET', KEYS[2], 'before', found[1], 'before mark', found[2], 'before at', found[3])
    end
    take(ARGV[4], ARGV[5], 0)
    return {'yours'}
end

if step == 'heartbeat' then -- mark, what, keep: also restores the claim in a Redis that has lost it
    local whose = redis.call('HGET', KEYS[2], 'mark')
    if whose and whose ~= mark then return {'taken'} end
    take(ARGV[4], ARGV[5], 0)
    return {'yours'}
end

if step == 'done' then -- mark, what (empty: nothing happened), milliseconds since, keep
    local found = redis.call('HMGET', KEYS[2], 'mark', 'running')
    if found[1] and found[1] ~= mark and (found[2] or ARGV[4] == '') then return {'taken'} end
    local before = redis.call('HMGET', KEYS[2], 'before', 'before mark', 'before at')
    if ARGV[4] ~= '' then
        take(ARGV[4], ARGV[6], ARGV[5])
    elseif before[1] then
        redis.call('HSET', KEYS[2], 'what', before[1], 'mark', before[2], 'at', before[3])
    else
        redis.call('DEL', KEYS[2])
        return {'gone'}
    end
    redis.call('HDEL', KEYS[2], 'running', 'before', 'before mark', 'before at')
    return {'done'}
end

if step == 'restore' then -- mark, what, milliseconds since, keep: of an ended call, unless Redis has the claim
    if redis.call('EXISTS', KEYS[2]) == 0 then
        take(ARGV[4], ARGV[6], ARGV[5])
        redis.call('HDEL', KEYS[2], 'running')
    end
    return {'restored'}
end

if step == 'forget' then -- mark
    if redis.call('HGET', KEYS[2], 'mark') == mark then redis.call('DEL', KEYS[2]) end
    return {'gone'}
end
