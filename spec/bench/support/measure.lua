--- Measures ways to do the same work beside each other: in turns, so that a busy machine slows all of them, and by the
--- median of their turns. Trust the ratios more than the figures.

local measure = {}

local function median(list)
  table.sort(list)
  return list[math.floor((#list + 1) / 2)]
end

--- How often to call f so that a turn takes about `seconds` of CPU time.
local function calls_per_turn(f, seconds)
  local calls = 1
  while true do
    local begin = os.clock()
    for _ = 1, calls do
      f()
    end
    local took = os.clock() - begin
    if took >= seconds / 4 then
      return math.max(1, math.ceil(calls * seconds / took))
    end
    calls = calls * 2
  end
end

--- Runs the ways in turns.
---@param ways { name: string, run: function }[]
---@param options { turns: integer?, seconds: number? }?  of each way; CPU seconds a turn
---@return table<string, number>  CPU seconds a call, by name
function measure.cpu(ways, options)
  options = options or {}
  local calls, taken = {}, {}
  for _, way in ipairs(ways) do
    calls[way.name], taken[way.name] = calls_per_turn(way.run, options.seconds or 0.1), {}
  end
  for turn = 1, options.turns or 7 do
    for _, way in ipairs(ways) do
      collectgarbage()
      local begin = os.clock()
      for _ = 1, calls[way.name] do
        way.run()
      end
      taken[way.name][turn] = (os.clock() - begin) / calls[way.name]
    end
  end
  local medians = {}
  for name, list in pairs(taken) do
    medians[name] = median(list)
  end
  return medians
end

measure.median = median

--- Prints a table: each way's figure, and how often the first way (the peer) takes as long.
---@param title string
---@param unit string
---@param ways { name: string, target: number? }[]
---@param figures table<string, number>  by name, in `unit`
function measure.print(title, unit, ways, figures)
  print(("\n%s"):format(title))
  print(("  %-52s %12s %8s %8s"):format("", unit, "ratio", "target"))
  local peer = figures[ways[1].name]
  for _, way in ipairs(ways) do
    local figure = figures[way.name]
    local target = way.target and ("%.1f"):format(way.target) or ""
    print(("  %-52s %12.1f %8.2f %8s"):format(way.name, figure, peer / figure, target))
  end
end

--- The Lua that runs, for titles.
measure.lua = rawget(_G, "jit") and "LuaJIT" or _VERSION

return measure
