--- The contract that every type of store keeps (see finseg.store), as tests. A program that brings a store of its own
-- runs them on it:
--
--   local store_contract = assert(loadfile("spec/lua/store/contract.lua", "t", _ENV or getfenv(1)))()
--   store_contract {
--     name = "cloud",           -- store.name contains it
--     open = function(place)    -- a new store on what stands at that place, a folder of the test's own whose name is
--       return ...              -- used once: another place, other keys
--     end,
--     shared = true,            -- two stores opened at one place see the same; nil: each is alone
--     run = function(f) end,    -- calls f where the store may be used, as in a loop of its own; nil: f is just called
--     title = "cloud, in luv",  -- of the tests, else made from the name
--   }
--
-- Its tests need describe, it and luassert's assert in their environment, which busted gives to a spec file only, and
-- nothing else of busted: so any host of tests serves.

local core = require "finseg.core"
local finseg = require "finseg"
local shell = require "spec.support.shell"
local stores = require "finseg.store"

local function call(f)
  return f()
end

---@param kind table  see above
return function(kind)
  local run = kind.run or call

  -- One test: f(store, place). The store is closed after it, whatever happens.
  local function test(name, f)
    it(name, function()
      local place = shell.scratch()
      local ok, problem = pcall(run, function()
        local store = assert(kind.open(place))
        local ok, problem = pcall(f, store, place)
        store:close()
        if not ok then
          error(problem, 0)
        end
      end)
      shell.remove(place)
      if not ok then
        error(problem, 0)
      end
    end)
  end

  describe("the store of the type " .. (kind.title or kind.name), function()
    test("is a store, and its name tells its type", function(store)
      assert.is_nil(stores.problem_of(store))
      assert.matches(kind.name, store.name)
    end)

    test("answers what was put, and nil for what was not", function(store)
      assert.is_true(store:put("a", "1", 60, false))
      assert.are.equal("1", store:get "a")
      local value, err = store:get "b"
      assert.is_nil(value)
      assert.is_nil(err)
    end)

    test("keeps every byte of a value", function(store)
      local bytes = "\0\255\n'\"%s" .. ("x"):rep(100000)
      assert.is_true(store:put("a", bytes, 60, false))
      assert.are.equal(bytes, store:get "a")
      assert.is_true(store:put("empty", "", 60, false))
      assert.are.equal("", store:get "empty")
    end)

    test("puts nothing over what is there when nothing is expected there", function(store)
      assert.is_true(store:put("a", "1", 60, false))
      assert.is_false(store:put("a", "2", 60, false))
      assert.are.equal("1", store:get "a")
    end)

    test("puts over whatever is there when nothing is said of it", function(store)
      assert.is_true(store:put("a", "1", 60))
      assert.is_true(store:put("a", "2", 600))
      assert.are.equal("2", store:get "a")
      assert.is_true(store:list("a")[1].ends > core.time() + 500)
    end)

    test("puts over exactly what is expected, and keeps that for as long as is said then", function(store)
      assert.is_false(store:put("a", "2", 60, "1"))
      assert.is_nil(store:get "a")
      store:put("a", "1\0", 60)
      assert.is_false(store:put("a", "2", 60, "1"))
      assert.is_false(store:put("a", "2", 60, ""))
      assert.are.equal("1\0", store:get "a")
      assert.is_true(store:put("a", "2", 600, "1\0"))
      assert.are.equal("2", store:get "a")
      assert.is_true(store:list("a")[1].ends > core.time() + 500)
      assert.is_true(store:put("a", "2", 60, "2"))
      assert.is_true(store:list("a")[1].ends < core.time() + 100)
      store:put("empty", "", 60)
      assert.is_true(store:put("empty", "1", 60, ""))
    end)

    test("expects nothing that has ended", function(store)
      store:put("a", "1", -1)
      assert.is_false(store:put("a", "2", 60, "1"))
      assert.is_true(store:put("a", "2", 60, false))
    end)

    test("has nothing there after a put that ends at once", function(store)
      for _, expected in ipairs { "1", "any" } do
        store:put("a", "1", 60)
        assert.is_false(store:put("a", "2", 0, "other"))
        assert.is_false(store:put("a", "2", 0, false))
        assert.are.equal("1", store:get "a")
        assert.is_true(store:put("a", "2", 0, expected ~= "any" and expected or nil))
        assert.is_nil(store:get "a")
      end
      assert.is_true(store:put("a", "2", 0))
      assert.is_true(store:put("a", "2", 0 / 0))
      assert.is_nil(store:get "a")
    end)

    test("forgets what has ended, and lets it be put again", function(store)
      assert.is_true(store:put("a", "1", -1, false))
      assert.is_nil(store:get "a")
      assert.are.same({}, store:list "")
      assert.is_false(store:delete "a")
      assert.is_true(store:put("a", "2", 60, false))
      assert.are.equal("2", store:get "a")
    end)

    test("deletes, and tells whether there was anything", function(store)
      store:put("a", "1", 60, false)
      assert.is_true(store:delete "a")
      assert.is_false(store:delete "a")
      assert.is_nil(store:get "a")
    end)

    test("deletes a value only while it is that value", function(store)
      store:put("a", "1", 60, false)
      assert.is_false(store:delete("a", "2"))
      assert.are.equal("1", store:get "a")
      assert.is_true(store:delete("a", "1"))
      assert.error_matches(function()
        store:delete("a", false)
      end, "bad argument #2 to 'delete' %(string expected, got boolean%)")
    end)

    test("lists what begins with a prefix, sorted, whatever bytes the prefix has", function(store)
      for _, key in ipairs { "job b", "job a", "jobs", "job%", "lost a", "job \xC3\xA9" } do
        store:put(key, "of " .. key, 60, false)
      end
      local listed = {}
      for _, item in ipairs(store:list "job ") do
        listed[#listed + 1] = item.key .. "=" .. item.value
        assert.is_true(item.ends > core.time() + 50 and item.ends < core.time() + 70)
      end
      assert.are.same({ "job a=of job a", "job b=of job b", "job \xC3\xA9=of job \xC3\xA9" }, listed)
      assert.are.equal(1, #store:list "job%")
      assert.are.equal(1, #store:list "job \xC3")
      assert.are.equal(6, #store:list "")
      store:put("job \0", "1", 60, false)
      assert.are.equal(1, #store:list "job \0")
    end)

    test("tells who watches a key, until they stop", function(store)
      local told = {}
      local stop = store:watch("a", function()
        told[#told + 1] = "first"
      end)
      store:watch("a", function()
        told[#told + 1] = "second"
      end)
      store:watch("b", function()
        told[#told + 1] = "other"
      end)
      assert.is_true(store:notify "a")
      assert.are.same({ "first", "second" }, told)
      stop()
      stop()
      store:notify "a"
      assert.are.same({ "first", "second", "second" }, told)
      store:notify "nobody"
    end)

    test("lets a watcher stop, and others begin, while it is told", function(store)
      local calls = 0
      local stop
      stop = store:watch("a", function()
        calls = calls + 1
        stop()
        store:watch("a", function()
          calls = calls + 10
        end)
      end)
      store:notify "a"
      assert.are.equal(1, calls)
      store:notify "a"
      assert.are.equal(11, calls)
    end)

    test("tells every watcher though one of them raises", function(store)
      local told = 0
      local function count()
        told = told + 1
      end
      store:watch("a", count)
      store:watch("a", function()
        error "a watcher's fault"
      end)
      store:watch("a", count)
      pcall(store.notify, store, "a")
      assert.are.equal(2, told)
    end)

    test("closes, and again, and then raises", function(store)
      local function ignore() end
      local stop = store:watch("a", ignore)
      store:close()
      store:close()
      stop()
      for method, arguments in pairs {
        get = { "a" },
        put = { "a", "1", 60 },
        delete = { "a" },
        list = { "" },
        notify = { "a" },
        watch = { "a", ignore },
      } do
        assert.error_matches(function()
          store[method](store, arguments[1], arguments[2], arguments[3])
        end, "closed", nil, nil, method)
      end
    end)

    test("is pollable when its calls wait, and is then told who waits on it", function(store)
      if store.begin or store.pollfd then
        assert.is_number(store:pollfd())
        assert.are.equal(0, store:pending())
        assert.is_number(store.waiting)
      end
    end)

    test("answers what is begun from step(), and what the method would have answered", function(store)
      if not store.begin then
        return
      end
      local answers, began = {}, true
      local function note(...)
        assert.is_false(began)
        answers[#answers + 1] = { ... }
      end
      store:begin("put", note, "a", "1", 60, false)
      store:begin("put", note, "a", "2", 60, false)
      store:begin("put", note, "a", "2", 60, "1")
      store:begin("get", note, "a")
      store:begin("delete", note, "a", "2")
      assert.are.equal(5, store:pending())
      began = false
      store:get "a" -- waits behind them
      assert.are.same({ { true }, { false }, { true }, { "2" }, { true } }, answers)
      assert.are.equal(0, store:pending())
    end)

    test("counts, if it does, by name", function(store)
      if not store.count then
        return
      end
      local before = store:counted "calls"
      store:count "calls"
      store:count "calls"
      assert.are.equal(before + 2, store:counted "calls")
      assert.are.equal(0, store:counted "what nobody counts")
    end)

    test("raises for keys and values that are no text", function(store)
      assert.error_matches(function()
        store:get(nil)
      end, "bad argument #1 to 'get'")
      assert.error_matches(function()
        store:put("a", {}, 1)
      end, "bad argument #2 to 'put'")
      assert.error_matches(function()
        store:put("a", "1")
      end, "bad argument #3 to 'put'")
      assert.error_matches(function()
        store:put("a", "1", 1, 7)
      end, "bad argument #4 to 'put'")
    end)

    if kind.shared then
      test("shows one opener what another has put, and gives a key to one of them", function(store, place)
        local other = assert(kind.open(place))
        assert.is_true(store:put("a", "1", 60, false))
        assert.is_false(other:put("a", "2", 60, false))
        assert.are.equal("1", other:get "a")
        assert.is_true(other:delete("a", "1"))
        assert.is_false(store:delete("a", "1"))
        other:close()
      end)

      test("replaces what is expected for one of two openers", function(store, place)
        local other = assert(kind.open(place))
        store:put("a", "1", 60)
        assert.is_true(other:put("a", "2", 60, "1"))
        assert.is_false(store:put("a", "3", 60, "1"))
        assert.are.equal("2", store:get "a")
        other:close()
      end)

      -- Lets what has come be told, until a condition holds.
      local function until_true(store, condition)
        local deadline = core.now() + 10
        while not condition() do
          assert(core.now() < deadline, "gave up waiting")
          if store.begin then
            store:get "" -- waits, and steps it
          elseif store.step then
            core.poll({ store:pollfd() }, 1)
            store:step()
          else
            finseg.sleep(0.002)
          end
        end
      end

      test(
        "tells one opener every key that another notifies, once, and none that nobody watches",
        function(store, place)
          local other = assert(kind.open(place))
          local told, is_hearing = {}, not store.begin
          local stops = {}
          for position, key in ipairs { "a", "b", "c" } do
            stops[position] = store:watch(key, function(news)
              is_hearing = is_hearing or news == "hearing"
              told[#told + 1] = news == nil and key or nil
            end)
          end
          until_true(store, function()
            return is_hearing
          end)
          assert.is_true(other:notify "a")
          assert.is_true(other:notify "other")
          other:put("x", "1", 60)
          assert.is_true(other:notify "b")
          until_true(store, function()
            return #told == 2
          end)
          stops[1]()
          other:notify "a"
          other:notify "c"
          until_true(store, function()
            return #told == 3
          end)
          assert.are.same({ "a", "b", "c" }, told)
          stops[2]()
          stops[3]()
          other:close()
        end
      )

      test("tells an opener nothing twice that it notifies itself", function(store, place)
        local other = assert(kind.open(place))
        local told, is_hearing = {}, not store.begin
        for _, key in ipairs { "mine", "last" } do
          store:watch(key, function(news)
            is_hearing = is_hearing or news == "hearing"
            told[#told + 1] = news == nil and key or nil
          end)
        end
        until_true(store, function()
          return is_hearing
        end)
        store:notify "mine"
        other:notify "last"
        other:get ""
        until_true(store, function()
          return told[#told] == "last"
        end)
        assert.are.same({ "mine", "last" }, told)
        other:close()
      end)

      test("keeps what was put when it is opened again", function(store, place)
        store:put("a", "1", 60, false)
        store:close()
        local again = assert(kind.open(place))
        assert.are.equal("1", again:get "a")
        again:close()
      end)
    end
  end)
end
