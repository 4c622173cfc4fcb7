-- Who has more than 5,000 on a checking account?
--
-- Reads FINSEG_BASE_URL, FINSEG_CLIENT_ID and FINSEG_CLIENT_SECRET. `make demo` runs it against the local sandbox.

local finseg = require "finseg"

local SHOWN = 10 -- users in the table

local function main()
  local client = assert(finseg.from_env())
  local job = assert(client:create("highBalance", { accountType = "checking", threshold = 5000 }))
  print(("job %s is on its way"):format(job.jobId))

  local segment = assert(job:wait { timeout = 600 })
  print(("it is ready, made on %s\n"):format(segment.creationDate or "an unknown day"))

  print(("%-38s %12s"):format("user", "balance"))
  local users, accounts = 0, 0
  for user in segment:users() do
    users = users + 1
    accounts = accounts + #user.accounts
    if users <= SHOWN then
      for _, account in ipairs(user.accounts) do
        print(("%-38s %12.2f"):format(user.userId, account.amount))
      end
    end
  end
  if users > SHOWN then
    print(("... and %d more"):format(users - SHOWN))
  end

  local _, total = assert(segment:sum()) -- the second result is exact, whatever its size
  print(("\n%d users, %d accounts, %s in all"):format(users, accounts, total))
  client:close()
end

local ok, err = pcall(main)
if not ok then
  io.stderr:write("quickstart: ", tostring(err), "\n")
  os.exit(1, true)
end
