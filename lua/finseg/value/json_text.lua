-- JSON handled as the text that it came as: no digit of a number, no order of members, no empty list is lost on the way
-- from the service to whoever reads what finseg prints.

local core = require "finseg.core"

local json_text = {}

local function no_more() end

local function parts_of(text, bracket)
  if text:sub(1, 1) ~= bracket then
    return {}
  end
  return core.json_parts(text) or {}
end

--- Iterates over the members of an object: name, text of the value. Of anything else there are none.
---@param text string?
---@return fun(): string?, string?
function json_text.members(text)
  if not text then
    return no_more
  end
  local parts, at = parts_of(text, "{"), -1
  return function()
    at = at + 2
    return parts[at], parts[at + 1]
  end
end

--- The members of an object by their names, each as text; {} for anything else.
---@param text string?
---@return table<string, string>
function json_text.fields(text)
  local fields = {}
  for name, value in json_text.members(text) do
    fields[name] = value
  end
  return fields
end

--- The elements of a list, each as text; {} for anything else.
---@param text string?
---@return string[]
function json_text.elements(text)
  return text and parts_of(text, "[") or {}
end

---@param text string
---@return boolean
function json_text.is_object(text)
  return text:sub(1, 1) == "{"
end

---@param text string
---@return boolean
function json_text.is_list(text)
  return text:sub(1, 1) == "["
end

---@param text string
---@return boolean
function json_text.is_number(text)
  return text:find "^%-?%d" ~= nil
end

--- What a string says; nil for anything else.
---@param text string?
---@return string?
function json_text.string(text)
  if not text or text:sub(1, 1) ~= '"' then
    return nil
  elseif text:find("\\", 1, true) then
    return (core.from_json(text))
  end
  return text:sub(2, -2)
end

--- On one line. Line ends stand between the members of JSON only, never inside a text.
---@param text string
---@return string
function json_text.one_line(text)
  if text:find "[\r\n]" then
    text = text:gsub("[\r\n]+[ \t]*", "")
  end
  return text
end

return json_text
