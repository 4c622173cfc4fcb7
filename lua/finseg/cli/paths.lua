-- Where the command line keeps things: the folders of the XDG base directory specification.

local exit = require "finseg.cli.exit"
local system = require "finseg.cli.system"

local paths = {}

local function home(variable, default)
  local folder = os.getenv(variable)
  if not folder or folder:sub(1, 1) ~= "/" then
    local mine = os.getenv "HOME"
    folder = mine and mine ~= "" and mine .. default or nil
  end
  return folder and folder .. "/finseg"
end

--- Where credentials and kinds are looked for; nil when nothing says where that is.
---@return string?
function paths.config()
  return home("XDG_CONFIG_HOME", "/.config")
end

function paths.state()
  return home("XDG_STATE_HOME", "/.local/state")
    or exit.fail(
      "config",
      "HOME is not set: set it, or XDG_STATE_HOME, to the folder in which finseg may remember jobs"
    )
end

--- The journal of jobs.
function paths.store()
  return paths.state() .. "/store.db"
end

--- Results kept under a name.
function paths.results()
  return paths.state() .. "/results"
end

--- Makes the folder of results, if it is there, the user's alone.
function paths.secure_results()
  local made, reason = system.make_private(paths.results())
  if made == nil then
    exit.fail("config", "%s is open to others, and that cannot be changed (%s)", paths.results(), reason)
  end
end

--- The whole of a file.
---@return string? text
---@return string? reason
function paths.read(path)
  local file, reason = io.open(path, "rb")
  if not file then
    return nil, reason
  end
  local text
  text, reason = file:read "*a"
  file:close()
  return text, reason
end

return paths
