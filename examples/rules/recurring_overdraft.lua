-- Recurring overdraft: a checking account below -100 in each of the last three months. For help, or an offer.
-- The deepest overdraft of the period must matter: below -500.

local overdrawn = segment.lowBalance { accountType = "checking", threshold = -100, durationInMonth = 3 }

return overdrawn:where(function(user)
  for _, account in ipairs(user.lowBalance.accounts) do
    if account.amount < -500 then
      return true
    end
  end
end)
