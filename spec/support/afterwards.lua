--- busted's `finally` keeps the last function of a test alone. This calls all when the test ends, the last first.
--
--   afterwards(finally, service.stop)

local lists = setmetatable({}, { __mode = "k" }) -- by a test's `finally`

return function(finally, f)
  local list = lists[finally]
  if not list then
    list = {}
    lists[finally] = list
    finally(function()
      for i = #list, 1, -1 do
        list[i]()
      end
    end)
  end
  list[#list + 1] = f
end
