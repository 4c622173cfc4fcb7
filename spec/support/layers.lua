--- Who includes and who requires whom, read from the sources, and what may not be: a dependency on a higher layer,
--- a cycle.
---
--- What a module names: what it includes or requires, and for C the functions of other modules that it calls (modules
--- that share one header can still call each other in a loop).
---
--- A module is a source with its header (core/value/text.c and .h are core/value/text) or a Lua module's file. A module
--- is in a layer; a layer lists the layers that its modules may name, itself aside.

local layers = {}

--- The modules that a tree's texts make, each with the modules that it names and where it first does so.
---@class layers.Module
---@field path string
---@field names table<string, string>  module named -> "file:line"
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

local function module_of(path)
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

-- The functions of ours that C sources define for others, each with its module.
local function definitions(texts)
  local owners = {}
  for path, text in pairs(texts) do
    if path:find "%.c$" then
      for _, line in each_line(text) do
        local name = not line:find "^static"
          and not line:find ";%s*$"
          and line:match "^%l[%w_ ]*[ *]([fs][sb]_[%l%d_]+)%("
        if name then
          owners[name] = module_of(path)
        end
      end
    end
  end
  return owners
end

--- Reads the modules of a tree.
---@param texts table<string, string>  path -> text
---@return table<string, layers.Module>
function layers.modules(texts)
  local modules, owners = {}, definitions(texts)
  for path, text in pairs(texts) do
    local name = module_of(path)
    local module = modules[name] or { path = name, names = {}, system = {} }
    modules[name] = module
    for number, line in each_line(text) do
      local place = path .. ":" .. number
      local target
      if path:find "%.[ch]$" then
        local header = line:match '^#include "([^"]+)"'
        target = header and included(path, header, texts)
        local system = line:match "^#include <([^>]+)>"
        if system then
          module.system[system] = module.system[system] or place
        end
        for called in (line:find "^%s*/?%*" and "" or line):gmatch "%f[%w_]([fs][sb]_[%l%d_]+)%s*%(" do
          local owner = path:find "%.c$" and owners[called]
          if owner and owner ~= name then
            module.names[owner] = module.names[owner] or place
          end
        end
      else
        local name_required = line:match "require[%s(]*[\"'](finseg[%w_.]*)[\"']"
          or line:match "require,%s*[\"'](finseg[%w_.]*)[\"']"
        target = name_required and not line:find "^%s*%-%-" and required(name_required, texts)
      end
      local other = target and module_of(target)
      if other and other ~= name then
        module.names[other] = module.names[other] or place
      end
    end
  end
  return modules
end

local function sorted_keys(set)
  local keys = {}
  for key in pairs(set) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

--- The layer of a module: of the longest entry that its path starts with, ends of names respected.
---@param layer_table table<string, string[]>  path or folder -> the layers it may name
local function layer_of(path, layer_table)
  while path ~= "" do
    if layer_table[path] then
      return path
    end
    path = path:match "^(.*)/[^/]*$" or ""
  end
end

--- Modules that name what their layer may not, and modules that are in no layer: a line each.
---@param modules table<string, layers.Module>
---@param layer_table table<string, string[]>
---@return string[]
function layers.upward(modules, layer_table)
  local lines = {}
  for _, path in ipairs(sorted_keys(modules)) do
    local layer = layer_of(path, layer_table)
    if not layer then
      lines[#lines + 1] = path .. " is in no layer"
    else
      local allowed = { [layer] = true }
      for _, below in ipairs(layer_table[layer]) do
        allowed[below] = true
      end
      local names = modules[path].names
      for _, other in ipairs(sorted_keys(names)) do
        local its = layer_of(other, layer_table)
        if not (its and allowed[its]) then
          lines[#lines + 1] = ("%s: %s may not name %s"):format(names[other], layer, other)
        end
      end
    end
  end
  return lines
end

--- Cycles: modules that name each other in a loop, a line each ("a -> b -> a").
---@param modules table<string, layers.Module>
---@return string[]
function layers.cycles(modules)
  local lines, state, trail = {}, {}, {}
  local function visit(path)
    state[path] = "open"
    trail[#trail + 1] = path
    for _, other in ipairs(sorted_keys(modules[path].names)) do
      if state[other] == "open" then
        local cycle = { other }
        for i = #trail, 1, -1 do
          table.insert(cycle, 1, trail[i])
          if trail[i] == other then
            break
          end
        end
        lines[#lines + 1] = table.concat(cycle, " -> ")
      elseif not state[other] and modules[other] then
        visit(other)
      end
    end
    trail[#trail] = nil
    state[path] = "done"
  end
  for _, path in ipairs(sorted_keys(modules)) do
    if not state[path] then
      visit(path)
    end
  end
  return lines
end

--- Modules below a folder that include Lua's headers.
---@param modules table<string, layers.Module>
---@param folder string
---@return string[]
function layers.lua_headers(modules, folder)
  local lines = {}
  for _, path in ipairs(sorted_keys(modules)) do
    if path:sub(1, #folder + 1) == folder .. "/" then
      for header, place in pairs(modules[path].system) do
        if header:find "^lua" or header == "lauxlib.h" then
          lines[#lines + 1] = ("%s: includes <%s>"):format(place, header)
        end
      end
    end
  end
  return lines
end

return layers
