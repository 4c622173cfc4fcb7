-- One JSON document: a list of the records, the bytes of each as they came.

local json_text = require "finseg.value.json_text"
local output = require "finseg.cli.output"

local json = {}

function json.new()
  local begun = false
  return {
    add = function(text)
      output.write(begun and ",\n" or "[", json_text.one_line(text))
      begun = true
    end,
    finish = function()
      output.write(begun and "]\n" or "[]\n")
    end,
  }
end

return json
