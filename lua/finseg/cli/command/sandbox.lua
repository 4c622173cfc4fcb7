-- finseg sandbox ...: becomes finseg-sandbox.

local exit = require "finseg.cli.exit"
local system = require "finseg.cli.system"

---@param words string[]  what the sandbox is told
return function(words)
  local _, reason = system.execute("finseg-sandbox", words)
  exit.fail(
    "config",
    'finseg-sandbox cannot be started (%s): it must be on PATH, as after make install or eval "$(make -s env)"',
    reason
  )
end
