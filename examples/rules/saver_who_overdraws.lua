-- The saver who overdraws: pays overdraft interest on one account while money lies on another. Worth a call.

local overdrawn =
  segment.lowBalance({ accountType = "checking", threshold = -100, durationInMonth = 3 }):named "overdraft"
local saver = segment.highBalance({ accountType = "savings", threshold = 1000 }):named "savings"

-- The savings cover the deepest overdraft.
return (overdrawn * saver):where(function(user)
  local deepest, saved = 0, 0
  for _, account in ipairs(user.overdraft.accounts) do
    deepest = math.min(deepest, account.amount)
  end
  for _, account in ipairs(user.savings.accounts) do
    saved = math.max(saved, account.amount)
  end
  return saved + deepest > 0
end)
