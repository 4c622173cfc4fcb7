-- Insurance check: who pays premiums to several insurers, and has money for a better contract.

local insured = segment.insuranceSpending { durationInMonth = 12 }
local liquid = segment.highBalance { threshold = 2000 }

return (insured * liquid):where(function(user)
  local providers, count = {}, 0
  for _, insurance in ipairs(user.insuranceSpending.insurances) do
    if not providers[insurance.provider] then
      providers[insurance.provider] = true
      count = count + 1
    end
  end
  return count >= 2
end)
