-- nginx's error log, for what may happen in a request to the address of callbacks.

--- Logs from a timer: to what a request logs, nginx adds the request's line, and a callback's has the job's token.
---@param level integer  ngx.ERR, ...
---@param text string
return function(level, text)
  ngx.timer.at(0, function()
    ngx.log(level, "finseg: ", text)
  end)
end
