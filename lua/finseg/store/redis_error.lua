-- What is wrong with a Redis, said so that somebody can mend it. No text of a Redis is passed on as it is: that may
-- repeat what was sent, a password above all.

local redis_error = {}

local CLUSTER = { "config", false, "it is part of a cluster, which this store does not speak: name a Redis of its own" }

--- The first word of a redis_error -> the kind of err, whether trying again helps, and what to do. What befalls a Redis
--- that was well before is `network`, as when it is gone: the work goes on without it.
local known = {
  NOAUTH = { "auth", false, "it wants a password: give `password`, and `username` if it has users" },
  WRONGPASS = { "auth", false, "it does not know this user name and password: check `username` and `password`" },
  DENIED = { "config", false, "it is in protected mode: give it a password, or an address to listen on" },
  NOPERM = { "auth", false, "its user may not do that: allow the command, the keys and the channel in its ACL" },
  OOM = { "network", true, "its memory is full: raise its maxmemory, or name a Redis that is not shared" },
  READONLY = { "network", true, "it is a replica, which takes no changes: name the primary" },
  MISCONF = { "network", true, "it cannot save to its disk and takes no changes: look at its log" },
  NOREPLICAS = { "network", true, "it wants more replicas than there are now" },
  WRONGTYPE = { "config", false, "the key holds what finseg has not put there: give another `prefix`" },
  MOVED = CLUSTER,
  CROSSSLOT = CLUSTER,
  CLUSTERDOWN = CLUSTER,
  LOADING = { "network", true, "it is still loading its data: try again soon" },
  MASTERDOWN = { "network", true, "it is a replica whose primary is gone: name the primary" },
  BUSY = { "network", true, "it is busy with a script: try again soon" },
}

--- Refusals that begin with ERR, by a pattern.
local errors = {
  { "max number of clients", "network", true, "it has as many clients as it takes: raise its maxclients" },
  { "invalid password", "auth", false, "it does not know this password: check `password`" },
  { "without any password", "auth", false, "it has no password: leave `password` out" },
  { "unknown command", "config", false, "it does not know that command: allow it, and use Redis from version 2.8 on" },
  { "DB index", "config", false, "it has no such database: check `database`" },
}

local function describe(text)
  local word = text:match "^(%u+)"
  if known[word] then
    return known[word][1], known[word][2], known[word][3]
  end
  for _, entry in ipairs(errors) do
    if text:find(entry[1], 1, true) then
      return entry[2], entry[3], entry[4]
    end
  end
  return "config", false, "look at its log"
end

local function new(config, command, text)
  local kind, retryable, advice = describe(text)
  local message = ("%s refuses %s (%s): %s"):format(config.place, command, text:match "^%a+" or "no reason", advice)
  return { kind = kind, retryable = retryable, message = message }
end

--- A command was refused.
---@param config table  place
---@param command string
---@param text string  what the Redis said
---@return table failure  kind, message, retryable, and lasting: it is no use to connect again at once
function redis_error.refused(config, command, text)
  return new(config, command, text)
end

--- The connection could not be made, since the Redis refused what makes it.
function redis_error.greeting_refused(config, command, text)
  local failure = new(config, command, text)
  failure.lasting = true
  return failure
end

--- There is no connection.
---@param reason string
function redis_error.unreachable(config, reason)
  local check = config.path and "`path`" or "`host` and `port`"
  return {
    kind = "network",
    retryable = true,
    message = ("%s cannot be reached (%s): start it, or check %s; finseg tries again by itself"):format(
      config.place,
      reason,
      check
    ),
  }
end

--- There is no connection because this machine ran out of something.
---@param reason string
function redis_error.shortage(config, reason)
  return {
    kind = "resource",
    retryable = true,
    message = ("%s cannot be reached: %s; finseg tries again by itself"):format(config.place, reason),
  }
end

--- No answer came in time.
---@param seconds number
function redis_error.silent(config, seconds)
  return {
    kind = "network",
    retryable = true,
    lasting = true,
    message = ("%s has not answered for %g seconds: see whether it hangs; finseg tries again by itself"):format(
      config.place,
      seconds
    ),
  }
end

--- What answers is no Redis, or speaks out of turn: no reply of it can be relied on.
---@param command string
function redis_error.nonsense(config, command)
  return {
    kind = "network",
    retryable = true,
    lasting = true,
    message = ("%s answers %s as no Redis does: see what listens there; finseg tries again by itself"):format(
      config.place,
      command
    ),
  }
end

return redis_error
