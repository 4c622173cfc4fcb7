-- Premium offer: the 100 users with the most savings above 10,000, but nobody who was overdrawn of late.

local savers = segment.highBalance { accountType = "savings", threshold = 10000 }
local overdrawn = segment.lowBalance { accountType = "checking", threshold = 0, durationInMonth = 3 }

return (savers - overdrawn):top(100, function(user)
  local most = 0
  for _, account in ipairs(user.highBalance.accounts) do
    most = math.max(most, account.amount)
  end
  return most
end)
