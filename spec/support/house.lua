--- Who includes and who requires whom, read from the sources, and what may not be: an arrow up, a circle.
---
--- What a room names: what it includes or requires, and for C the functions of other rooms that it calls (rooms that
--- share one header can still call each other in a loop).
---
--- A room is a source with its header (core/value/text.c and .h are core/value/text) or a Lua module's file. A room
--- stands on a floor; a floor lists the floors whose rooms it may name, itself aside.

local house = {}

--- The rooms that a tree's texts make, each with the rooms that it names and where it first does so.
---@class house.Room
---@field path string
---@field names table<string, string>  room named -> "file:line"
---@field system table<string, string>  header in angle brackets -> "file:line"

local function each_line(text)
  local number = 0
  return function(lines)
    local line = lines()
    if line then
      number = number + 1
      return number, line
    end
  end,
    text:gmatch "([^\n]*)\n?"
end

local function room_of(path)
  return (path:gsub("%.[ch]$", ""):gsub("%.lua$", ""))
end

-- Where a quoted include leads: beside the file, or from one of the folders that the compiler is told.
local function included(file, name, texts)
  local candidates = { file:match "^(.*/)" .. name, "core/" .. name, "lua/" .. name }
  for _, path in ipairs(candidates) do
    local before
    repeat
      before = path
      path = path:gsub("[^/]+/%.%./", "", 1)
    until path == before
    if texts[path] then
      return path
    end
  end
end

local function required(name, texts)
  local path = "lua/" .. name:gsub("%.", "/")
  return texts[path .. ".lua"] and path .. ".lua" or texts[path .. "/init.lua"] and path .. "/init.lua" or nil
end

-- The functions of ours that C sources define for others, each with its room.
local function definitions(texts)
  local owners = {}
  for path, text in pairs(texts) do
    if path:find "%.c$" then
      for _, line in each_line(text) do
        local name = not line:find "^static"
          and not line:find ";%s*$"
          and line:match "^%l[%w_ ]*[ *]([fs][sb]_[%l%d_]+)%("
        if name then
          owners[name] = room_of(path)
        end
      end
    end
  end
  return owners
end

--- Reads the rooms of a tree.
---@param texts table<string, string>  path -> text
---@return table<string, house.Room>
function house.rooms(texts)
  local rooms, owners = {}, definitions(texts)
  for path, text in pairs(texts) do
    local name = room_of(path)
    local room = rooms[name] or { path = name, names = {}, system = {} }
    rooms[name] = room
    for number, line in each_line(text) do
      local place = path .. ":" .. number
      local target
      if path:find "%.[ch]$" then
        local header = line:match '^#include "([^"]+)"'
        target = header and included(path, header, texts)
        local system = line:match "^#include <([^>]+)>"
        if system then
          room.system[system] = room.system[system] or place
        end
        for called in (line:find "^%s*/?%*" and "" or line):gmatch "%f[%w_]([fs][sb]_[%l%d_]+)%s*%(" do
          local owner = path:find "%.c$" and owners[called]
          if owner and owner ~= name then
            room.names[owner] = room.names[owner] or place
          end
        end
      else
        local module = line:match "require[%s(]*[\"'](finseg[%w_.]*)[\"']"
          or line:match "require,%s*[\"'](finseg[%w_.]*)[\"']"
        target = module and not line:find "^%s*%-%-" and required(module, texts)
      end
      local other = target and room_of(target)
      if other and other ~= name then
        room.names[other] = room.names[other] or place
      end
    end
  end
  return rooms
end

local function sorted_keys(set)
  local keys = {}
  for key in pairs(set) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

--- The floor of a room: of the longest entry that its path starts with, ends of names respected.
---@param floors table<string, string[]>  path or folder -> the floors it may name
local function floor_of(path, floors)
  while path ~= "" do
    if floors[path] then
      return path
    end
    path = path:match "^(.*)/[^/]*$" or ""
  end
end

--- Rooms that name what their floor may not, and rooms that stand on no floor: a line each.
---@param rooms table<string, house.Room>
---@param floors table<string, string[]>
---@return string[]
function house.arrows_up(rooms, floors)
  local lines = {}
  for _, path in ipairs(sorted_keys(rooms)) do
    local floor = floor_of(path, floors)
    if not floor then
      lines[#lines + 1] = path .. " stands on no floor"
    else
      local allowed = { [floor] = true }
      for _, below in ipairs(floors[floor]) do
        allowed[below] = true
      end
      local names = rooms[path].names
      for _, other in ipairs(sorted_keys(names)) do
        local its = floor_of(other, floors)
        if not (its and allowed[its]) then
          lines[#lines + 1] = ("%s: %s may not name %s"):format(names[other], floor, other)
        end
      end
    end
  end
  return lines
end

--- Circles: rooms that name each other in a loop, a line each ("a -> b -> a").
---@param rooms table<string, house.Room>
---@return string[]
function house.circles(rooms)
  local lines, state, trail = {}, {}, {}
  local function visit(path)
    state[path] = "open"
    trail[#trail + 1] = path
    for _, other in ipairs(sorted_keys(rooms[path].names)) do
      if state[other] == "open" then
        local circle = { other }
        for i = #trail, 1, -1 do
          table.insert(circle, 1, trail[i])
          if trail[i] == other then
            break
          end
        end
        lines[#lines + 1] = table.concat(circle, " -> ")
      elseif not state[other] and rooms[other] then
        visit(other)
      end
    end
    trail[#trail] = nil
    state[path] = "done"
  end
  for _, path in ipairs(sorted_keys(rooms)) do
    if not state[path] then
      visit(path)
    end
  end
  return lines
end

--- Rooms below a folder that include Lua's headers.
---@param rooms table<string, house.Room>
---@param folder string
---@return string[]
function house.lua_headers(rooms, folder)
  local lines = {}
  for _, path in ipairs(sorted_keys(rooms)) do
    if path:sub(1, #folder + 1) == folder .. "/" then
      for header, place in pairs(rooms[path].system) do
        if header:find "^lua" or header == "lauxlib.h" then
          lines[#lines + 1] = ("%s: includes <%s>"):format(place, header)
        end
      end
    end
  end
  return lines
end

return house
