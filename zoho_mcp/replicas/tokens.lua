-- KEYS: 2 the token, 3 its lock, 4 the number of the last holder.
local step = ARGV[1]

if step == 'read' then
    local found = redis.call('HMGET', KEYS[2], 'sealed', 'at')
    return {found[1] or '', now - (found[2] or now)}
end

if step == 'lock' then -- owner, lease
    local owner = redis.call('GET', KEYS[3])
    if owner and owner ~= ARGV[3] then return 0 end
    redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
    if owner then return redis.call('GET', KEYS[4]) end
    -- Larger than any before, even if Redis has forgotten how many there were.
    local number = math.max(now, tonumber(redis.call('GET', KEYS[4]) or 0) + 1)
    redis.call('SET', KEYS[4], string.format('%.0f', number))
    return string.format('%.0f', number)
end

if step == 'unlock' then -- owner
    if redis.call('GET', KEYS[3]) == ARGV[3] then redis.call('DEL', KEYS[3]) end
    return 1
end

if step == 'write' then -- number, sealed, 1 for a token or 0 for a refusal, lifetime
    local known = redis.call('HMGET', KEYS[2], 'number', 'good')
    local good = ARGV[5] == '1'
    -- Whose lock expired meanwhile must not replace what was fetched later; but a token is better than a refusal.
    if known[1] and tonumber(known[1]) > tonumber(ARGV[3]) and not (good and known[2] == '0') then return 0 end
    if known[1] and tonumber(known[1]) < tonumber(ARGV[3]) or not known[1] then
        redis.call('HSET', KEYS[2], 'number', ARGV[3])
    end
    redis.call('HSET', KEYS[2], 'sealed', ARGV[4], 'good', ARGV[5], 'at', now)
    redis.call('PEXPIRE', KEYS[2], ARGV[6])
    return 1
end
