-- Spending campaign: users who pay often and keep to their salary: many outgoing payments in three months, and a salary
-- in each of them.

local active = segment.incomeSpendingSummary { durationInMonth = 3 }
local earners = segment.financialBreakdown { labels = { "SALARY" }, durationInMonth = 3 }

return (active * earners):where(function(user)
  local outgoing = 0
  for _, account in ipairs(user.incomeSpendingSummary.accounts) do
    outgoing = outgoing + account.outgoingCount
  end
  for _, month in ipairs(user.financialBreakdown.breakdowns[1].months) do
    if month.count == 0 then
      return false
    end
  end
  return outgoing >= 30
end)
