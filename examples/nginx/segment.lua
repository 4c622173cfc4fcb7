-- GET /segments/KIND?threshold=5000&accountType=checking: creates a segment, waits until it is ready, and answers with
-- its users as JSON, page by page as they come. The worker serves others while this request waits.

local jobs = ngx.shared.finseg_jobs

local status_of = { config = 500, invalid = 400, timeout = 504, rate_limited = 503 }

--- Answers with an error. Only what is wrong with the request is for who sent it; all else is for the log.
local function refuse(err)
  ngx.status = status_of[err.kind] or 502
  ngx.header.content_type = "text/plain"
  ngx.say(err.kind == "invalid" and tostring(err) or ("no segment (%s)"):format(err.kind))
end

local function fail(err)
  ngx.log(ngx.ERR, tostring(err))
  refuse(err)
end

--- Keeps for /jobs what has become of a job, as long as the service keeps it.
local function note(job, state)
  jobs:set(job.jobId, ("%s %s, %s"):format(job.kind, state, ngx.localtime()), 14 * 86400)
end

--- The parameters, from the query. Amounts may stay text, numbers of months may not, and labels are a list.
local function parameters()
  local found = ngx.req.get_uri_args()
  found.durationInMonth = tonumber(found.durationInMonth) or found.durationInMonth
  if type(found.labels) == "string" then
    found.labels = { found.labels }
  end
  return found
end

--- Sends the users as they came, without making a table of any.
local function send(segment)
  local count = 0
  ngx.header.content_type = "application/json"
  ngx.print '{"users":['
  for page in segment:pages() do
    if page:user_count() > 0 then
      ngx.print(count > 0 and "," or "", (page:users_text():sub(2, -2)))
      count = count + page:user_count()
      assert(ngx.flush(true)) -- no faster than the reader takes them
    end
  end
  ngx.say('],"totalElements":', count, "}")
end

local client, err = require("finseg.ngx").client()
if not client then
  return refuse(err) -- it is in the log already
end

local job
job, err = client:create(ngx.var.kind, parameters())
if not job then
  return fail(err)
end
note(job, "pending")

-- With lua_check_client_abort on. The job goes on at the service; whoever wants it can pick it up by its id.
ngx.on_abort(function()
  note(job, "left by its request")
  ngx.exit(499)
end)

local segment
segment, err = job:wait { timeout = 600 }
note(job, segment and "ready" or err.kind)
if not segment then
  return fail(err)
end

local ok, problem = pcall(send, segment)
if not ok then
  ngx.log(ngx.ERR, tostring(problem))
  return ngx.exit(ngx.ERROR) -- cuts the connection, so that nobody takes half of the users for all
end
