-- Every driver keeps the same contract.

local hosts = require "spec.lua.support.hosts"

-- It uses describe and its like, which busted gives to this file only.
local contract = assert(loadfile("spec/lua/driver_contract.lua", "t", _ENV or getfenv(1)))()

for _, host in ipairs(hosts) do
  contract(host)
end
