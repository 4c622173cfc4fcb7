-- Where the command line keeps things: the folders of the XDG base directory specification.

local paths = {}

local function home(variable, default)
  local folder = os.getenv(variable)
  if not folder or folder:sub(1, 1) ~= "/" then
    folder = (os.getenv "HOME" or "") .. default
  end
  return folder .. "/finseg"
end

function paths.config()
  return home("XDG_CONFIG_HOME", "/.config")
end

function paths.state()
  return home("XDG_STATE_HOME", "/.local/state")
end

--- The journal of jobs.
function paths.store()
  return paths.state() .. "/store.db"
end

--- Results kept under a name.
function paths.results()
  return paths.state() .. "/results"
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
