-- One JSON object a line, the bytes as they came.

local json_text = require "finseg.value.json_text"
local output = require "finseg.cli.output"

local ndjson = {}

---@return { add: fun(text: string), finish: fun() }
function ndjson.new()
  return {
    add = function(text)
      output.write(json_text.one_line(text), "\n")
    end,
    finish = function() end,
  }
end

return ndjson
