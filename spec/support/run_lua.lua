--- Runs scripts in a fresh process of the Lua that runs the tests.

local shell = require "spec.support.shell"

local VARIABLES =
  "FINSEG_BASE_URL FINSEG_TOKEN_URL FINSEG_CLIENT_ID FINSEG_CLIENT_SECRET FINSEG_ACCESS_TOKEN FINSEG_CA_FILE"

--- Answers the exit status and all that was printed.
---@param script string
---@param environment string?  "NAME=value NAME=value", the only variables of finseg that the script sees
---@param descriptors integer?  how many the process may have
---@param before string?  lines of the shell that come before it
return function(script, environment, descriptors, before)
  -- `make asan` needs its library in every Lua that loads the module.
  local preload = os.getenv "FINSEG_SPEC_PRELOAD" and 'LD_PRELOAD="$FINSEG_SPEC_PRELOAD" ' or ""
  local limit = descriptors and ("ulimit -n %d\n"):format(descriptors) or ""
  local command = "%s %s%s -e %s"
  return shell.run(
    ("unset %s\n"):format(VARIABLES)
      .. limit
      .. (before and before .. "\n" or "")
      .. command:format(environment or "", preload, shell.lua, shell.quote(script))
  )
end
