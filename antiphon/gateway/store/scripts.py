"""What a Valkey or Redis server does in one go, in its Lua.

All time is the server's own, so that the clocks of gateways need not agree. Numbers that go into
a command are below 2^53, which Lua keeps exactly.
"""

_MILLISECONDS = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

KEEP = """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'grant', ARGV[1])
if ARGV[2] ~= '0' then redis.call('HSET', KEYS[1], 'left', ARGV[2]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""
"""A ticket: grant, uses, ms."""

REDEEM = """
local grant = redis.call('HGET', KEYS[1], 'grant')
if grant and redis.call('HEXISTS', KEYS[1], 'left') == 1
    and redis.call('HINCRBY', KEYS[1], 'left', -1) == 0 then
    redis.call('DEL', KEYS[1])
end
return grant
"""
"""A ticket's grant; the last use forgets it."""

_GIVE_UP = (
    _MILLISECONDS
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1])
"""
)

ENTER = (
    _GIVE_UP
    + """
if ARGV[3] ~= '' and not redis.call('ZSCORE', KEYS[1], ARGV[2])
    and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
    return 0
end
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
)
"""Sessions by when they were last told: ms until one is given up, session, most or nothing."""

STAY = (
    _GIVE_UP
    + """
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""
)
"""The same: ms, sessions."""

ALLOW = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local first = redis.call('LINDEX', KEYS[1], -most)
if first and first + window > now then
    return math.min(first + window - now, window)
end
redis.call('RPUSH', KEYS[1], now)
redis.call('LTRIM', KEYS[1], -most, -1)
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return 0
"""
"""The last times of a name: most, us. Gives us to wait, never longer than a window even if the
server's clock was set back."""

SPEND = """
local last = redis.call('GET', KEYS[2])
if last and tonumber(last) >= tonumber(ARGV[1]) then return end
redis.call('HLEN', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
for i = 3, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
"""
"""Counters, and which batch of the sender's was the last: its number, ms to remember that, then
names and amounts. A batch that comes again, because its answer was lost, is not counted again.
HLEN fails where the counters are something else, before the batch is noted as counted."""
