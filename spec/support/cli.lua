--- Runs the command line as a user does: the real program, in a home of its own, against a real service.

local shell = require "spec.support.shell"

local cli = {}

local VARIABLES = "FINSEG_BASE_URL FINSEG_TOKEN_URL FINSEG_CLIENT_ID FINSEG_CLIENT_SECRET FINSEG_ACCESS_TOKEN "
  .. "FINSEG_CA_FILE FINSEG_USERNAME FINSEG_PASSWORD FINSEG_KINDS XDG_CONFIG_HOME XDG_STATE_HOME"

--- A home with credentials for a service in the environment; without a service, no credentials.
---@param service table?
---@return table home  with the functions below and `folder`
function cli.home(service)
  local folder = shell.scratch()
  local home = { folder = folder, variables = { HOME = folder } }
  if service then
    home.variables.FINSEG_BASE_URL = service.base_url
    home.variables.FINSEG_CLIENT_ID = service.client_id
    home.variables.FINSEG_CLIENT_SECRET = service.client_secret
  end
  -- `make asan` needs its library in every Lua that loads the modules.
  local preload = os.getenv "FINSEG_SPEC_PRELOAD"
  home.program = (preload and "env LD_PRELOAD=" .. shell.quote(preload) .. " " or "")
    .. shell.lua
    .. ' "$TOP"/lua/bin/finseg'

  --- The beginning of a script in which `finseg` is the program.
  function home.prelude()
    local lines = { 'export TOP="$PWD"', "unset " .. VARIABLES, "cd " .. shell.quote(folder) }
    for name, value in pairs(home.variables) do
      lines[#lines + 1] = ("export %s=%s"):format(name, shell.quote(value))
    end
    lines[#lines + 1] = "finseg() { " .. home.program .. ' "$@"; }\n'
    return table.concat(lines, "\n")
  end

  --- Runs a script; answers its status, what it printed, and what it said on stderr.
  function home.run(script)
    local status, out = shell.run(home.prelude() .. "exec 2>stderr\n" .. script)
    return status, out, shell.read_file(folder .. "/stderr")
  end

  --- Runs a script that must end well; answers what it printed.
  function home.check(script)
    local status, out, err = home.run(script)
    if status ~= 0 then
      error(("status %s of: %s\n%s%s"):format(tostring(status), script, out, err), 2)
    end
    return out
  end

  --- Runs the program at a terminal of its own; answers all that the terminal showed.
  function home.at_terminal(words)
    return home.check(("script -qec %s /dev/null </dev/null"):format(shell.quote(home.program .. " " .. words)))
  end

  --- Starts the program at a terminal of its own. The answer has type(text), shown(), status(), nil while it runs, and
  --- close(), which waits for its end.
  function home.start_at_terminal(words)
    local name = folder .. "/" .. os.tmpname():match "[^/]+$"
    local script = ("script -qec %s /dev/null >%s.shown; echo $? >%s.status"):format(
      shell.quote(home.program .. " " .. words),
      name,
      name
    )
    local keyboard = io.popen("exec env -u LD_PRELOAD sh -c " .. shell.quote(home.prelude() .. script), "w")
    local function read(suffix)
      return shell.read_file(name .. suffix, "")
    end
    return {
      type = function(text)
        keyboard:write(text)
        keyboard:flush()
      end,
      shown = function()
        return read ".shown"
      end,
      status = function()
        return tonumber(read ".status")
      end,
      close = function()
        keyboard:close()
      end,
    }
  end

  --- Starts the program in the background. The answer has out(), err(), interrupt(), and status(), nil while it runs.
  function home.start(words)
    local name = folder .. "/" .. os.tmpname():match "[^/]+$"
    local pid = home
      .check(
        (
          "{ trap '' HUP; %s %s >%s.out 2>%s.err & echo $! >%s.pid; wait $! && s=0 || s=$?; echo $s >%s.status; } "
          .. ">/dev/null 2>&1 </dev/null &\nwhile ! [ -s %s.pid ]; do :; done; cat %s.pid"
        ):format(home.program, words, name, name, name, name, name, name)
      )
      :match "%d+"
    local function read(suffix)
      return shell.read_file(name .. suffix, "")
    end
    return {
      pid = pid,
      out = function()
        return read ".out"
      end,
      err = function()
        return read ".err"
      end,
      status = function()
        return tonumber(read ".status")
      end,
      interrupt = function()
        shell.run("kill -INT " .. pid)
      end,
      kill = function()
        shell.run("kill -KILL " .. pid .. " 2>/dev/null || true")
      end,
    }
  end

  function home.write(name, text)
    shell.write_file(folder .. "/" .. name, text)
  end

  function home.remove()
    shell.remove(folder)
  end

  return home
end

return cli
