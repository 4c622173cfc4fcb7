-- Guards a log function of the program's: it may raise, and must not log into itself.

--- Answers a function that passes an event to `log` and tells whether that went well. What `log` raises is remembered
--- in the owner's field `log_error`, and `log` is called no more.
---@param owner { log_error: any }
---@param log fun(event: table)
---@return fun(event: table): boolean
return function(owner, log)
  local usable = true
  return function(event)
    if not usable then
      return false
    end
    usable = false
    local ok, problem = pcall(log, event)
    usable = ok
    if not ok then
      owner.log_error = problem
    end
    return ok
  end
end
