-- A list of texts, or of objects with a text: in memory up to a bound, and the others in a temporary file of mode 0600
-- that has no name and goes with the list, and that no child inherits. The file lies in $TMPDIR, /tmp without it.

local core = require "finseg.core"

---@class finseg.SpillBound  bytes that lists may still keep in memory; several may share one
---@field left number

---@class finseg.SpillList
---@field bound finseg.SpillBound
---@field items (string|userdata)[]  those in memory
---@field file file*?  the texts of the others, each after a line with its length
---@field size integer  bytes of the file
local SpillList = {}
SpillList.__index = SpillList

---@param bound finseg.SpillBound
---@return finseg.SpillList
function SpillList.new(bound)
  return setmetatable({ bound = bound, items = {}, size = 0 }, SpillList)
end

local function folder()
  local asked = os.getenv "TMPDIR"
  return asked and asked ~= "" and asked or "/tmp"
end

local function fail(verb, reason)
  return nil,
    core.error(
      "resource",
      ("a temporary file in %s cannot be %s (%s): make room there, or name another folder in TMPDIR"):format(
        folder(),
        verb,
        reason or "it ends too early"
      )
    )
end

local function open_file()
  local path = ("%s/finseg-%s-%.6f"):format(folder(), tostring({}):match "0x(%x+)", core.time())
  local made, reason = core.create_file(path) -- fails when the name is taken
  if not made then
    return nil, reason
  end
  local file
  file, reason = io.open(path, "r+b")
  os.remove(path)
  if file then
    made, reason = core.close_on_exec(file)
  end
  return made and file, reason
end

--- Appends a text, or an object whose method text() answers it. Nothing may be added once a text was read from the
--- file.
---@param item string|userdata
---@param bytes number?  what it takes in memory; of a text, its length
---@return integer? place  for get()
---@return finseg.Err? err  kind `resource`
function SpillList:add(item, bytes)
  local left = self.bound.left - (bytes or #item)
  if left >= 0 and not self.file then
    self.bound.left = left
    self.items[#self.items + 1] = item
    return -#self.items
  end
  local reason
  if not self.file then
    self.file, reason = open_file()
    if not self.file then
      return fail("made", reason)
    end
  end
  local text = type(item) == "string" and item or item:text()
  local place, header = self.size, #text .. "\n"
  local ok
  ok, reason = self.file:write(header, text)
  if not ok then
    return fail("written", reason)
  end
  self.size = place + #header + #text
  return place
end

--- The text after a line with its length; "" with an err when it cannot be read.
local function read(file)
  local length = file:read "*l"
  local text, reason = file:read(tonumber(length) or 0)
  if not length or not text or #text ~= tonumber(length) then
    return fail("read", reason)
  end
  return text
end

--- What was added at a place: itself, or its text when it went to the file.
---@param place integer
---@return string|userdata|nil item
---@return finseg.Err? err  kind `resource`
function SpillList:get(place)
  if place < 0 then
    return self.items[-place]
  end
  local ok, reason = self.file:seek("set", place) -- writes what is still to be written
  if not ok then
    return fail("written", reason)
  end
  return read(self.file)
end

--- Iterates over what was added, in that order. Raises an err of kind `resource`.
---@return fun(): string|userdata|nil
function SpillList:each()
  local position, place = 0, 0
  return function()
    position = position + 1
    if self.items[position] then
      return self.items[position]
    elseif place < self.size then
      local text, err = self:get(place)
      if not text then
        error(err, 0)
      end
      place = place + #(#text .. "\n") + #text
      return text
    end
  end
end

return SpillList
