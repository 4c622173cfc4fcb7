-- Who the program is at the service: the environment, and a file that is the user's alone. Never an argument, since
-- others on the machine can read those.

local exit = require "finseg.cli.exit"
local paths = require "finseg.cli.paths"
local system = require "finseg.cli.system"

local credentials = {}

--- Name in the environment and in the file -> field of a client's config.
local fields = {
  FINSEG_BASE_URL = "base_url",
  FINSEG_TOKEN_URL = "token_url",
  FINSEG_CLIENT_ID = "client_id",
  FINSEG_CLIENT_SECRET = "client_secret",
  FINSEG_USERNAME = "username",
  FINSEG_PASSWORD = "password",
  FINSEG_ACCESS_TOKEN = "access_token",
  FINSEG_CA_FILE = "ca_file",
}

local function unquote(value)
  return value:match "^'(.*)'$" or value:match '^"(.*)"$' or value
end

--- Reads lines NAME=value. What stands there is a secret: messages name the line and never quote it.
local function parse(text, path)
  local config = {}
  local number = 0
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    if not line:match "^%s*#" and line:match "%S" then
      local name, value = line:gsub("^%s*export%s+", ""):match "^%s*([%w_]+)%s*=%s*(.-)%s*$"
      local field = name and fields[name]
      if not field then
        exit.fail("config", "%s:%d: a line NAME=value expected, with a name such as FINSEG_CLIENT_ID", path, number)
      end
      config[field] = unquote(value)
    end
  end
  return config
end

local function read_file(path, must_be_there)
  local private, reason = system.is_private(path)
  if private == nil then
    if must_be_there then
      exit.fail("config", "the credentials file %s cannot be read (%s)", path, reason)
    end
    return {}
  elseif not private then
    exit.fail("config", "the credentials file %s is open to others: make it yours alone (chmod 600 %s)", path, path)
  end
  local text
  text, reason = paths.read(path)
  if not text then
    exit.fail("config", "the credentials file %s cannot be read (%s)", path, reason)
  end
  return parse(text, path)
end

--- Who one is. A client id of one source and a secret of another would be nobody's.
local identity = { "client_id", "client_secret", "username", "password", "access_token" }

--- Whether a config says who one is, wholly or in part.
---@param config table
---@return boolean
function credentials.has_identity(config)
  for _, field in ipairs(identity) do
    if config[field] then
      return true
    end
  end
  return false
end

local function read_environment()
  local config = {}
  for name, field in pairs(fields) do
    local value = os.getenv(name)
    config[field] = value ~= "" and value or nil
  end
  return config
end

--- The config fields that the environment and a file give. A file that was asked for wins over the environment, the
--- usual one yields to it: field by field, but for who one is, which comes from one of them whole.
---@param asked string?  path of a file
---@return table<string, string> config
function credentials.read(asked)
  local folder = paths.config()
  local path = asked or (folder and folder .. "/credentials")
  local first, second = read_environment(), path and read_file(path, asked ~= nil) or {}
  if asked then
    first, second = second, first
  end
  if credentials.has_identity(first) then
    for _, field in ipairs(identity) do
      second[field] = nil
    end
  end
  for field, value in pairs(first) do
    second[field] = value
  end
  return second
end

return credentials
