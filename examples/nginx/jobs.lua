-- GET /jobs: what has become of the jobs, a line each.

local jobs = ngx.shared.finseg_jobs

ngx.header.content_type = "text/plain"
for _, job_id in ipairs(jobs:get_keys(0)) do
  local state = jobs:get(job_id)
  if state then -- else it has expired in between
    ngx.say(job_id, " ", state)
  end
end
