-- The line on stderr that tells how far a wait or a download is. Only a terminal sees it.

local core = require "finseg.core"
local finseg = require "finseg"
local system = require "finseg.cli.system"

local INTERVAL = 0.2 -- seconds between two looks
local unpack = table.unpack or unpack

---@class finseg.cli.Progress
local Progress = {}
Progress.__index = Progress

function Progress.new()
  return setmetatable({
    shown = system.is_terminal(2),
    started = core.now(),
    drawn = 0,
    jobs = 0,
    ready = 0,
    pages = 0,
    users = 0,
    expected = 0,
  }, Progress)
end

local function counted(count, noun)
  return ("%d %s%s"):format(count, noun, count == 1 and "" or "s")
end

function Progress:line()
  local seconds = core.now() - self.started
  local jobs = ("%d of %s ready"):format(self.ready, counted(self.jobs, "job"))
  if self.evaluating then
    return ("%s, %s, working the rule out"):format(jobs, counted(self.users, "user"))
  elseif self.jobs == 0 then
    return ("reading the rule, %.0f s"):format(seconds)
  elseif self.pages == 0 then
    return ("%s, waiting for %.0f s"):format(jobs, seconds)
  end
  local reading = seconds - (self.reading or 0)
  local rate = reading > 0 and self.users / reading or 0
  local left = rate > 0
    and self.expected > self.users
    and (", %.0f s left"):format((self.expected - self.users) / rate + 1)
  return ("%s, %s, %s, %.0f users/s%s"):format(
    jobs,
    counted(self.pages, "page"),
    counted(self.users, "user"),
    rate,
    left or ""
  )
end

--- Draws the line, at most every INTERVAL unless it must be drawn now.
---@param must boolean?
function Progress:draw(must)
  local now = core.now()
  if self.shown and (must or now - self.drawn >= INTERVAL) then
    self.drawn = now
    local width = (system.columns(2) or 80) - 1
    io.stderr:write("\r\27[K", self:line():sub(1, width))
    io.stderr:flush()
  end
end

--- Takes the line away.
function Progress:clear()
  if self.shown and self.drawn > 0 then
    io.stderr:write "\r\27[K"
    io.stderr:flush()
    self.drawn = 0
  end
end

--- Follows the events of a rule's run (see finseg.rule), which a single segment tells in the same way.
function Progress:event(event)
  if event.name == "plan" then
    self.jobs = #event.requests
  elseif event.name == "ready" then
    self.ready = self.ready + 1
    self.expected = self.expected + (event.users or 0)
    self.reading = self.reading or core.now() - self.started
  elseif event.name == "page" then
    self.pages = self.pages + 1
    self.users = self.users + event.users
  end
  self.evaluating = event.name == "evaluate"
  self:draw(self.evaluating) -- no other line is drawn until the rule's functions have ended
end

--- Shows nothing any more, as when the results themselves go to the terminal.
function Progress:stop()
  self:clear()
  self.shown = false
end

--- Calls f() while the line is kept up to date, and answers what it answers.
function Progress:during(f)
  if not self.shown then
    return f()
  end
  local ended, results = false, nil
  local function work()
    results = { pcall(f) }
    ended = true
    return true
  end
  local function draw()
    while not ended do
      self:draw()
      finseg.sleep(INTERVAL / 4)
    end
    return true
  end
  -- Ctrl-C may be raised in either; it ends what the other waits for.
  local called, ran, problem = pcall(finseg.all, work, draw)
  self:clear()
  if not (called and ran) then
    error(called and problem or ran, 0)
  elseif not results[1] then
    error(results[2], 0)
  end
  return unpack(results, 2, 6)
end

return Progress
