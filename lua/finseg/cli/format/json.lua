-- One JSON document: a list of the records, the bytes of each as they came.

local ndjson = require "finseg.cli.format.ndjson"
local output = require "finseg.cli.output"

local json = {}

function json.new()
  local begun = false
  return {
    add = function(item)
      output.write(begun and ",\n" or "[", ndjson.line(item.text()))
      begun = true
    end,
    finish = function()
      output.write(begun and "]\n" or "[]\n")
    end,
  }
end

return json
