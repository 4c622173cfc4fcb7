-- Callbacks over one Redis: a callback that comes to one host ends the wait of another, and with the Redis gone the
-- wait goes on by polling.

local cjson = require "cjson.safe"
local connect = require "spec.support.connect"
local finseg = require "finseg"
local redis = require "spec.support.redis"
local scripted_server = require "spec.support.scripted_server"
local until_ = require "spec.support.until"

local PUBLIC_URL = "https://bank.example/finseg"
local NEVER = 3600

describe("a callback over Redis", function()
  local server, service, clients, stores

  before_each(function()
    server = redis.start()
    service = scripted_server.start {
      ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
      ["GET /api/v1/segments/highBalance/1"] = { { body = '{"users":[{"userId":"u"}]}' } },
    }
    clients, stores = {}, {}
  end)

  after_each(function()
    for _, client in ipairs(clients) do
      client:close()
    end
    for _, store in ipairs(stores) do
      store:close()
    end
    service.stop()
    server.stop()
  end)

  -- A client of one more host, which asks after `seconds` when it does not expect a callback.
  local function host(seconds)
    local client = connect(service, { poll = { first = seconds, max = seconds, callback = NEVER } })
    local store = assert(finseg.store.open("redis", server.options { timeout = 1, connect_timeout = 1 }))
    clients[#clients + 1], stores[#stores + 1] = client, store
    return client, assert(client:receive_callbacks { public_url = PUBLIC_URL, store = store }), store
  end

  local function create(client)
    return assert(client:create("highBalance", { threshold = 1 }))
  end

  local function callback_path()
    for _, request in ipairs(service.requests()) do
      if request.method == "POST" and request.path:find "/segments/" then
        return (cjson.decode(request.body).callbackURL:gsub("^https://bank.example", ""))
      end
    end
  end

  -- Waits in a task while f(), in another, does what is to end the wait.
  local function wait_beside(job, f)
    local segment, err
    finseg.run(function()
      finseg.spawn(function()
        segment, err = job:wait { timeout = 20 }
      end)
      finseg.spawn(f)
    end)
    return assert(segment, err)
  end

  -- Until they have worked off so many callbacks. (Its own loop would step its store.)
  local function work_off(callbacks, count)
    while callbacks.counts.accepted + callbacks.counts.duplicate < count do
      callbacks.store:get ""
    end
  end

  it("ends the wait at another host, of every job and once", function()
    local here = host(NEVER)
    local _, there = host(NEVER)
    local segment = wait_beside(create(here), function()
      there:take(callback_path())
      there:take(callback_path())
      work_off(there, 2)
    end)
    assert.are.equal("u", segment:users()().userId)
    assert.are.equal(1, there.counts.accepted)
    assert.are.equal(1, there.counts.duplicate)
  end)

  it("is not waited for while the Redis is gone", function()
    local here, _, store = host(0.3)
    local told = {}
    wait_beside(create(here), function()
      store:watch("anything", function(news)
        told[#told + 1] = news
      end)
      store:get "anything"
      server.kill()
    end)
    assert.are.equal("deaf", told[#told])
  end)

  it("ends the wait of a job that another host has made and this one has picked up", function()
    local here, there = host(NEVER), host(NEVER)
    local picked = assert(there:job("highBalance", "1", { callback = create(here).callback }))
    local segment = wait_beside(picked, function()
      here._callbacks:take(callback_path())
      work_off(here._callbacks, 1)
    end)
    assert.are.equal("u", segment:users()().userId)
  end)

  it("is not waited for when the store is closed too early, and every other wait has its end", function()
    local here, _, store = host(0.02)
    local ended = 0
    finseg.run(function()
      local before, after = create(here), create(here)
      local others = {}
      for position = 1, 3 do
        others[position] = assert(here:job("highBalance", "1"))
      end
      finseg.spawn(function()
        assert(before:wait())
        ended = ended + 1
      end)
      finseg.sleep(0) -- one turn, in which the first wait begins
      store:close()
      for _, job in ipairs { after, others[1], others[2], others[3] } do
        finseg.spawn(function()
          assert(job:wait())
          ended = ended + 1
        end)
      end
    end)
    assert.are.equal(5, ended)
    here:close()
    assert.is_nil(here:pollfd())
  end)

  it("ends the wait when the Redis was gone, forgot everything and came back", function()
    local here, _, here_store = host(NEVER)
    local _, there, there_store = host(NEVER)
    local news = {}
    wait_beside(create(here), function()
      here_store:watch("anything", function(what)
        news[#news + 1] = what
      end)
      until_.wait_until(function()
        return news[#news] == "hearing" or here_store.connection.told
      end)
      server.kill()
      until_.wait_until(function()
        return news[#news] == "deaf"
      end)
      server.start()
      until_.wait_until(function()
        return news[#news] == "hearing"
      end)
      until_.wait_until(function() -- the wait has told the Redis again what it waits for
        return there_store:get("callback " .. callback_path():match "/(%x+)%.%x+$")
      end)
      there:take(callback_path())
      work_off(there, 1)
    end)
    assert.are.equal(1, there.counts.accepted)
  end)
end)
