-- Lines set aside and taken out again: a few in memory, many in a file that has no name and goes with the process.

local exit = require "finseg.cli.exit"

--- Bytes that are kept in memory.
local LIMIT = 4 * 1024 * 1024

---@class finseg.cli.Spool
---@field held string[]  while there is no file
---@field bytes integer
---@field file file*?
local Spool = {}
Spool.__index = Spool

---@return finseg.cli.Spool
function Spool.new()
  return setmetatable({ held = {}, bytes = 0 }, Spool)
end

local function check(ok, reason)
  if not ok then
    exit.stop(
      "so many rows must be set aside in a file, which cannot be written (%s): make room in the folder for temporary "
        .. "files, or use --format ndjson, which needs none",
      reason or "no reason given"
    )
  end
  return ok
end

--- Adds a line, without its end.
---@param line string
function Spool:add(line)
  if self.file then
    check(self.file:write(line, "\n"))
    return
  end
  self.held[#self.held + 1] = line
  self.bytes = self.bytes + #line
  if self.bytes > LIMIT then
    self.file = check(io.tmpfile())
    check(self.file:write(table.concat(self.held, "\n"), "\n"))
    self.held = {}
  end
end

--- Iterates over the lines in their order, once.
---@return fun(): string?
function Spool:lines()
  if self.file then
    check(self.file:seek "set")
    return self.file:lines()
  end
  local position = 0
  return function()
    position = position + 1
    return self.held[position]
  end
end

return Spool
