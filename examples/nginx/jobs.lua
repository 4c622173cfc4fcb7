-- GET /jobs: what has become of the jobs, a line each.

local jobs = ngx.shared.finseg_jobs

ngx.header.content_type = "text/plain"
for _, job_id in ipairs(jobs:get_keys(0)) do
  ngx.say(job_id, " ", jobs:get(job_id))
end
