-- A list of texts: in memory up to a bound, and the others in a temporary file of mode 0600 that has no name and goes
-- with the list. The file lies in $TMPDIR, /tmp without it.

local core = require "finseg.core"

---@class finseg.SpillBound  bytes that lists may still keep in memory; several may share one
---@field left number

---@class finseg.SpillList
---@field bound finseg.SpillBound
---@field texts string[]  those in memory
---@field file file*?  the others, each after a line with its length
---@field size integer  bytes of the file
local SpillList = {}
SpillList.__index = SpillList

---@param bound finseg.SpillBound
---@return finseg.SpillList
function SpillList.new(bound)
  return setmetatable({ bound = bound, texts = {}, size = 0 }, SpillList)
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
  return file, reason
end

--- Appends a text. Nothing may be added once a text was read from the file.
---@param text string
---@return integer? place  for get()
---@return finseg.Err? err  kind `resource`
function SpillList:add(text)
  local left = self.bound.left - #text
  if left >= 0 and not self.file then
    self.bound.left = left
    self.texts[#self.texts + 1] = text
    return -#self.texts
  end
  local reason
  if not self.file then
    self.file, reason = open_file()
    if not self.file then
      return fail("made", reason)
    end
  end
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

--- The text that was added at a place.
---@param place integer
---@return string? text
---@return finseg.Err? err  kind `resource`
function SpillList:get(place)
  if place < 0 then
    return self.texts[-place]
  end
  local ok, reason = self.file:seek("set", place) -- writes what is still to be written
  if not ok then
    return fail("written", reason)
  end
  return read(self.file)
end

--- Iterates over the texts in the order in which they were added. Raises an err of kind `resource`.
---@return fun(): string?
function SpillList:each()
  local position, place = 0, 0
  return function()
    position = position + 1
    local text = self.texts[position]
    if not text and place < self.size then
      local err
      text, err = self:get(place)
      if not text then
        error(err, 0)
      end
      place = place + #(#text .. "\n") + #text
    end
    return text
  end
end

return SpillList
