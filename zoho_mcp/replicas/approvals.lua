-- KEYS: 2 news, 3 the ids of one principal's questions (by number), 4 one question, 5 the last number.
-- ARGV: 3 the prefix of a question's key, 4 its id. A question's fields: way, call, fingerprint, sealed, state, expires,
-- changed, outcome, epoch, yes (the encrypted approval), by (the try that used it up).
local step, id = ARGV[1], ARGV[4]
local this = epoch()

local function key(of) return ARGV[3] .. of end

local function state_of(of)
    local found = redis.call('HMGET', key(of), 'state', 'expires', 'epoch', 'outcome')
    local state, outcome = found[1], found[4] or ''
    if (state == 'waiting' or state == 'approved') and (tonumber(found[2]) <= now or found[3] ~= this) then
        -- The data of a restarted Redis may be older than the last changes.
        return 'expired', state == 'waiting' and '=nobody' or '=no call'
    end
    return state, outcome
end

local function change(of, state, outcome)
    redis.call('HSET', key(of), 'state', state, 'outcome', outcome)
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', 1000, '*', 'approval', of)
    redis.call('PEXPIRE', KEYS[2], 3600000)
end

local function live(state) return state == 'waiting' or state == 'approved' end

local function shown(of)
    local state, outcome = state_of(of)
    if not state then return {''} end
    local found = redis.call('HMGET', key(of), 'way', 'sealed', 'expires', 'changed')
    return {state, outcome, found[1], found[2], math.max(0, found[3] - now), found[4], of}
end

if step == 'ask' then -- prefix, id, way, call, fingerprint, sealed, lifetime, most
    if redis.call('EXISTS', KEYS[4]) == 1 then return shown(id) end
    local way, call, fingerprint, lifetime = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[9])
    local waiting, changed = 0, '0'
    for _, other in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
        local found = redis.call('HMGET', key(other), 'way', 'call', 'fingerprint')
        local state = state_of(other)
        if not state then
            redis.call('ZREM', KEYS[3], other)
        elseif found[1] == way then
            if found[2] == call and (live(state) or state == 'expired') then
                if live(state) and way ~= 'elicitation' then
                    if way == 'page' and found[3] == fingerprint then return shown(other) end
                    change(other, 'expired', '=replaced')
                    state = 'expired'
                end
                if found[3] ~= fingerprint then changed = '1' end
            end
            if state == 'waiting' then waiting = waiting + 1 end
        end
    end
    if way == 'page' and waiting >= tonumber(ARGV[10]) then return {'too many'} end
    redis.call('HSET', KEYS[4], 'way', way, 'call', call, 'fingerprint', fingerprint, 'sealed', ARGV[8], 'state',
        'waiting', 'expires', now + lifetime, 'changed', changed, 'outcome', '', 'epoch', this)
    redis.call('PEXPIRE', KEYS[4], 2 * lifetime)
    redis.call('ZADD', KEYS[3], redis.call('INCR', KEYS[5]), id)
    redis.call('PEXPIRE', KEYS[3], 2 * lifetime)
    return shown(id)
end

if step == 'show' then return shown(id) end

if step == 'live' then -- prefix, id (none), way, call, fingerprint
    for _, other in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
        local found = redis.call('HMGET', key(other), 'way', 'call', 'fingerprint')
        local same = found[1] == ARGV[5] and found[2] == ARGV[6] and found[3] == ARGV[7]
        if same and live((state_of(other))) then return shown(other) end
    end
    return {''}
end

if step == 'decide' then -- prefix, id, try, approved or declined, the encrypted approval or nothing
    if redis.call('HGET', KEYS[4], 'decided by') == ARGV[5] then return {'yes', unpack(shown(id))} end
    if state_of(id) ~= 'waiting' then return {'no', unpack(shown(id))} end
    redis.call('HSET', KEYS[4], 'decided by', ARGV[5], 'yes', ARGV[7])
    change(id, ARGV[6], ARGV[6] == 'declined' and '=declined' or '')
    return {'yes', unpack(shown(id))}
end

if step == 'spend' then -- prefix, id, try, call, 1 if it is what the question was about
    local yes = redis.call('HGET', KEYS[4], 'yes') or ''
    if redis.call('HGET', KEYS[4], 'by') == ARGV[5] then return {'spent', yes, unpack(shown(id))} end
    if state_of(id) ~= 'approved' then return {'gone', '', unpack(shown(id))} end
    if ARGV[7] ~= '1' then
        change(id, 'expired', '=changed')
        return {'changed', '', unpack(shown(id))}
    end
    redis.call('HSET', KEYS[4], 'by', ARGV[5])
    change(id, 'spent', '')
    for _, other in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
        if other ~= id and redis.call('HGET', key(other), 'call') == ARGV[6] and live((state_of(other))) then
            change(other, 'expired', '=went first')
        end
    end
    return {'spent', yes, unpack(shown(id))}
end

if step == 'settle' then -- prefix, id, outcome
    local state = state_of(id)
    if state then change(id, state, ARGV[5]) end
    return {state or ''}
end
