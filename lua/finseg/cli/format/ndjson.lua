-- One JSON object a line, the bytes as they came.

local output = require "finseg.cli.output"

local ndjson = {}

--- A record on one line. Line ends stand between the members of JSON only, never inside a text.
function ndjson.line(text)
  if text:find "[\r\n]" then
    text = text:gsub("[\r\n]+[ \t]*", "")
  end
  return text
end

---@return { add: fun(item: { text: string }), finish: fun() }
function ndjson.new()
  return {
    add = function(item)
      output.write(ndjson.line(item.text()), "\n")
    end,
    finish = function() end,
  }
end

return ndjson
