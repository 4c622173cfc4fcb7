-- The command line, run as a user runs it.

local cjson = require "cjson"
local cli = require "spec.support.cli"
local finseg = require "finseg"
local sandbox = require "spec.support.sandbox"
local scripted_server = require "spec.support.scripted_server"
local shell = require "spec.support.shell"
local wire = require "spec.support.wire"

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    lines[#lines + 1] = line
  end
  return lines
end

local function count(text, plain)
  local _, found = text:gsub(plain:gsub("%p", "%%%0"), "")
  return found
end

local OVERDRAFT = [[
local stressed = segment.lowBalance { accountType = "checking", threshold = -100, durationInMonth = 3 }
local saver = segment.highBalance { accountType = "savings", threshold = 10000 }
return stressed * saver
]]

describe("the command line", function()
  local service, home

  setup(function()
    service = sandbox.start { users = 300, seed = 7, delay = 0.1, today = "2026-04-01" }
  end)

  teardown(function()
    service.stop()
  end)

  before_each(function()
    home = cli.home(service)
  end)

  after_each(function()
    home.remove()
  end)

  local function one_made(job_home)
    return wire.eventually("the job is made", function()
      local _, out = job_home.run "finseg jobs"
      return out:match '"jobId":"([^"]+)"'
    end)
  end

  describe("helps", function()
    it("with the commands, examples and exit codes", function()
      local help = home.check "finseg --help"
      for _, text in ipairs { "kinds", "create", "wait", "get", "segment", "jobs", "rule", "diff", "sandbox" } do
        assert.matches(text, help)
      end
      assert.matches("examples:", help)
      assert.matches("130 +stopped by Ctrl%-C", help)
    end)

    it("with examples for each command", function()
      for _, command in ipairs {
        "kinds",
        "create",
        "wait",
        "get",
        "segment",
        "jobs",
        "rule",
        "rule run",
        "rule explain",
        "rule watch",
        "diff",
        "segment lowBalance",
      } do
        assert.matches("example", (home.check("finseg " .. command .. " --help")))
      end
    end)

    it("with its version", function()
      assert.matches("^finseg %d+%.%d+%.%d+\n$", home.check "finseg --version")
    end)
  end)

  describe("names the kinds", function()
    it("as JSON, with their parameters", function()
      local kinds = cjson.decode(home.check "finseg kinds --json")
      assert.are.equal("highBalance", kinds[1].name)
      assert.are.equal("lowBalance", kinds[2].name)
      assert.are.equal("durationInMonth", kinds[2].parameters[3].name)
      assert.are.equal(12, kinds[2].parameters[3].maximum)
    end)

    it("as a table, without credentials", function()
      local nobody = cli.home()
      finally(nobody.remove)
      assert.matches("highBalance +%-%-threshold +true", nobody.check "finseg kinds --format table")
    end)

    it("with those that the user has defined, as commands", function()
      home.write(
        "kinds.json",
        '{"dormant":{"path":"highBalance","parameters":{"threshold":{"type":"amount","required":true}}}}'
      )
      home.variables.FINSEG_KINDS = home.folder .. "/kinds.json"
      assert.matches("dormant", home.check "finseg kinds")
      local wanted = wire.segment(service, "highBalance", { threshold = 5000 })
      assert.are.equal(#wanted, #lines_of(home.check "finseg segment dormant --threshold 5000"))
    end)
  end)

  describe("prints a segment", function()
    it("as one JSON object a user, elsewhere than at a terminal", function()
      local lines = lines_of(home.check "finseg segment highBalance --threshold 5000 --account-type checking")
      local wanted = wire.segment(service, "highBalance", { threshold = 5000, accountType = "checking" })
      assert.are.equal(#wanted, #lines)
      for position, line in ipairs(lines) do
        assert.are.same(wanted[position], cjson.decode(line))
        assert.are.equal(1, count(line, '"userId"'))
      end
    end)

    it("as the bytes that came: unknown members and the text of numbers survive", function()
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
        ["GET /api/v1/segments/highBalance/1"] = {
          {
            body = '{"users":[{"userId":"7",\n  "accounts":[{"accountId":"a","amount":12.10}],"extra":{"x":1.00}}]'
              .. ',"totalElements":1}',
          },
        },
      }
      finally(server.stop)
      local other = cli.home(server)
      local out = other.check "finseg segment highBalance --threshold 5"
      other.remove()
      assert.are.equal('{"userId":"7","accounts":[{"accountId":"a","amount":12.10}],"extra":{"x":1.00}}\n', out)
    end)

    it("as an aligned table at a terminal, with a line of progress that goes away", function()
      local shown = home.at_terminal "segment highBalance --threshold 5000 --limit 3"
      assert.matches("userId +accountId +amount", shown)
      assert.matches("of 1 job ready", shown)
      assert.matches("\27%[K", shown)
    end)

    it("without progress when stderr is no terminal", function()
      local _, _, err = home.run "finseg segment highBalance --threshold 5000"
      assert.are.equal("", err)
    end)

    it("as one JSON document", function()
      local users = cjson.decode(home.check "finseg segment highBalance --threshold 5000 --json --limit 2")
      assert.are.equal(2, #users)
    end)

    it("as CSV that keeps to RFC 4180 and holds no formula", function()
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
        ["GET /api/v1/segments/highBalance/1"] = {
          {
            body = '{"users":[{"userId":"=1+1","accounts":[{"accountId":"a,\\"b","amount":-12.5},'
              .. '{"accountId":"c","amount":3}]}]}',
          },
          { body = '{"users":[]}' },
        },
      }
      finally(server.stop)
      local other = cli.home(server)
      local out = other.check "finseg segment highBalance --threshold 5 --format csv"
      other.remove()
      assert.are.equal('userId,accountId,amount\r\n\'=1+1,"a,""b",-12.5\r\n\'=1+1,c,3\r\n', out)
    end)

    it("as CSV with the columns of all records, however late they come, and the digits that came", function()
      local users = {}
      for i = 1, 40000 do
        users[i] = ('{"userId":"%05d","accounts":[{"accountId":"%d","amount":12.10,"note":"%s"}]}'):format(
          i,
          i,
          ("n"):rep(50)
        )
      end
      users[#users + 1] = '{"userId":"z","accounts":[{"accountId":"a","amount":12345678901234567890,"late":0.10}]}'
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
        ["GET /api/v1/segments/highBalance/1"] = {
          { body = '{"users":[' .. table.concat(users, ",") .. '],"totalElements":40001}' },
        },
      }
      finally(server.stop)
      local other = cli.home(server)
      local lines = lines_of(other.check "finseg segment highBalance --threshold 5 --format csv")
      other.remove()
      assert.are.equal(40002, #lines)
      assert.are.equal("userId,accountId,amount,late,note\r", lines[1])
      assert.are.equal("00001,1,12.10,," .. ("n"):rep(50) .. "\r", lines[2])
      assert.are.equal("z,a,12345678901234567890,0.10,\r", lines[40002])
    end)

    --- A home whose service has one ready job of these users, as JSON.
    local function home_of(users)
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
        ["GET /api/v1/segments/highBalance/1"] = {
          { body = ('{"users":[%s],"totalElements":%d}'):format(table.concat(users, ","), #users) },
        },
      }
      local other = cli.home(server)
      finally(function()
        server.stop()
        other.remove()
      end)
      return other
    end

    it("as CSV in which no member takes the column of another", function()
      local other = home_of {
        '{"userId":"a4","name":"Bert","accounts":[{"accountId":"x","amount":1,"userId":"INNER","name":"Giro"}]}',
        '{"userId":"a5","tags":[{"x":1},5]}',
        '{"userId":"a6","a.b":1,"a":{"b":2}}',
      }
      local lines = lines_of(other.check "finseg segment highBalance --threshold 5 --format csv")
      assert.are.same({
        "userId,accountId,amount,name,tags,a.b,a\\.b,accounts.userId,accounts.name\r",
        "a4,x,1,Bert,,,,INNER,Giro\r",
        'a5,,,,"[{""x"":1},5]",,,,\r',
        "a6,,,,,2,1,,\r",
      }, lines)
    end)

    for _, format in ipairs { "csv", "table" } do
      it("in the same columns for every user, also when one has a second list, as " .. format, function()
        local other = home_of {
          '{"userId":"b1","accounts":[{"amount":1}]}',
          '{"userId":"b2","accounts":[{"amount":2}],"cards":[{"amount":3}]}',
        }
        local out = other.check("finseg segment highBalance --threshold 5 --format " .. format)
        assert.are.same(
          { "userId accounts.amount cards.amount", "b1 1", "b2 2 3" },
          lines_of((out:gsub("[ ,]+", " "):gsub(" ?\r?\n", "\n")))
        )
      end)
    end

    it("as a table that overwrites nothing in a user who comes after its columns are chosen", function()
      local users = {}
      for i = 1, 1000 do
        users[i] = ('{"userId":"%d","accounts":[{"amount":1}]}'):format(i)
      end
      users[1001] = '{"userId":"late","amount":7,"accounts":[{"amount":8}]}'
      local other = home_of(users)
      local _, out, err = other.run "finseg segment highBalance --threshold 5 --format table"
      assert.matches("\nlate +7\n$", out)
      assert.matches("accounts.amount and perhaps more did not fit the table", err)
    end)

    it("as CSV with a header when it is empty", function()
      assert.are.equal("userId\r\n", home.check "finseg segment highBalance --threshold 999999999 --format csv")
    end)

    it("as a table with two decimals, and not a digit less than came", function()
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
        ["GET /api/v1/segments/highBalance/1"] = {
          {
            body = '{"users":[{"userId":"x","accounts":[{"accountId":"a","amount":1.5,"rate":0.123456789012345678},'
              .. '{"accountId":"b","amount":12345678901234567890,"rate":1}]}],"totalElements":1}',
          },
        },
      }
      finally(server.stop)
      local other = cli.home(server)
      local lines = lines_of(other.check "finseg segment highBalance --threshold 5 --format table")
      other.remove()
      assert.matches("^x +a +1%.50 +0%.123456789012345678$", lines[2])
      assert.matches("^x +b +12345678901234567890%.00 +1$", lines[3])
    end)

    it("without anything that a terminal would obey", function()
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
        ["GET /api/v1/segments/highBalance/1"] = {
          { body = '{"users":[{"userId":"x\\u001b[2Jy","accounts":[]}],"totalElements":1}' },
        },
      }
      finally(server.stop)
      local other = cli.home(server)
      local out = other.check "finseg segment highBalance --threshold 5 --format table"
      other.remove()
      assert.are.equal("userId\nx?[2Jy\n", out)
    end)

    it("as bars", function()
      local ranges = cjson.decode(home.check "finseg segment highBalance --threshold 5000 --histogram --json")
      local sum = 0
      for _, range in ipairs(ranges.ranges) do
        sum = sum + range.count
      end
      assert.are.equal(ranges.amounts, sum)
      assert.are.equal(
        '{"amounts":0,"ranges":[]}\n',
        home.check "finseg segment highBalance --threshold 99999999 --histogram --json"
      )
      assert.matches("%d+ to %d+ +%d+ +#+", home.check "finseg segment highBalance --threshold 5000 --histogram")
    end)

    it("as bars, of amounts of any size", function()
      local other = home_of {
        '{"userId":"1","accounts":[{"accountId":"a","amount":1e400},{"accountId":"b","amount":-1e308}]}',
        '{"userId":"2","accounts":[{"accountId":"c","amount":1e308},{"accountId":"d","amount":5}]}',
      }
      local json = cjson.decode(other.check "finseg segment highBalance --threshold 5 --histogram --json")
      assert.are.equal(4, json.amounts)
      assert.are.equal(2, json.ranges[#json.ranges].count)
      assert.matches("#", other.check "finseg segment highBalance --threshold 5 --histogram")
    end)

    it("and takes a negative amount for what it is", function()
      local out = home.check "finseg segment lowBalance --threshold -100 --duration-in-month 3"
      assert.are.equal(#wire.segment(service, "lowBalance", { threshold = -100, durationInMonth = 3 }), #lines_of(out))
    end)

    it("and names the usual causes when it is empty", function()
      local status, out, err = home.run "finseg segment highBalance --threshold 999999999"
      assert.are.same({ 0, "" }, { status, out })
      assert.matches("no users yet", err)
      assert.matches("stale", err)
    end)

    it("and ends quietly when the reader goes away", function()
      local status, out, err = home.run "finseg segment highBalance --threshold 5000 | head -n 1"
      assert.are.same({ 0, 1, "" }, { status, #lines_of(out), err })
    end)

    it("and says so when the output cannot be written", function()
      local status, _, err = home.run "finseg segment highBalance --threshold 5000 >/dev/full"
      assert.are.equal(1, status)
      assert.matches("the output cannot be written", err)
    end)
  end)

  describe("knows jobs", function()
    it("by what create printed: wait and get pick it up", function()
      local made = cjson.decode(home.check "finseg create highBalance --threshold 5000 --json")
      assert.is_false(made.reused)
      local ready = cjson.decode(home.check("finseg wait highBalance " .. made.jobId .. " --json"))
      local lines = lines_of(home.check("finseg get highBalance " .. made.jobId))
      assert.are.equal("ready", ready.state)
      assert.are.equal(ready.users, #lines)
    end)

    it("and reuses them, unless a new one is asked for", function()
      local create = "finseg create highBalance --threshold 5000 --account-type checking"
      local first = cjson.decode(home.check(create))
      local second = cjson.decode(home.check "finseg create highBalance --threshold 5000.00 --account-type CHECKING")
      local third = cjson.decode(home.check(create .. " --fresh"))
      assert.are.equal(first.jobId, second.jobId)
      assert.is_true(second.reused)
      assert.are_not.equal(first.jobId, third.jobId)
    end)

    it("and forgets one that is gone, so that an equal create makes another", function()
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = {
          { status = 201, body = '{"jobId":"1"}' },
          { status = 201, body = '{"jobId":"2"}' },
        },
        ["GET /api/v1/segments/highBalance/1"] = { { status = 400, body = '{"errors":[]}' } },
      }
      finally(server.stop)
      local other = cli.home(server)
      local create = "finseg create highBalance --threshold 12.10"
      assert.are.equal("1", cjson.decode(other.check(create)).jobId)
      assert.are.equal(6, (other.run "finseg get highBalance 1"))
      assert.are.equal("2", cjson.decode(other.check(create)).jobId)
      other.remove()
    end)

    it("that may exist: a lost answer is told, at once and at the next equal create", function()
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { raw = "" }, { status = 201, body = '{"jobId":"2"}' } },
      }
      finally(server.stop)
      local other = cli.home(server)
      local status, _, err = other.run "finseg create highBalance --threshold 5"
      assert.are.equal(5, status)
      assert.matches("the job may exist all the same: finseg jobs lists it as lost", err)
      status, _, err = other.run "finseg create highBalance --threshold 5"
      assert.are.equal(0, status)
      assert.matches("answer to an equal create was lost on .*may exist besides this one", err)
      local third = { other.run "finseg create highBalance --threshold 5" }
      assert.are.equal("", third[3])
      other.remove()
    end)

    it("that were made and could not be written down, and names them", function()
      for _, command in ipairs { "create", "segment" } do
        local busy = sandbox.start { users = 10, seed = 1, fault = "429:2@create" }
        local other = cli.home(busy)
        local running = other.start(command .. " highBalance --threshold 5")
        finally(function()
          running.kill()
          busy.stop()
          other.remove()
        end)
        -- It tries again after a second, and once more; its journal is gone by then.
        local path = other.folder .. "/.local/state/finseg/store.db"
        wire.eventually("the intent is written", function()
          local store = finseg.store.open("file", path)
          local intents = store and store:list "job " or {}
          if store then
            store:close()
          end
          return #intents > 0
        end)
        assert(os.remove(path))
        assert.are.equal(3, wire.eventually("it has ended", running.status))
        assert.matches("pick the job up with\n  finseg get highBalance %x+\n", running.err())
        busy.stop()
        other.remove()
      end
    end)

    it("in a journal that is the user's alone and holds no secret", function()
      home.check "finseg create highBalance --threshold 5000"
      assert.are.equal("600\n", home.check 'stat -c %a "$HOME"/.local/state/finseg/store.db')
      local status = home.run(('grep -rq %s "$HOME"/.local'):format(service.client_secret))
      assert.are.equal(1, status)
      local entry = cjson.decode(home.check "finseg jobs")
      assert.are.same({ "made", "highBalance" }, { entry.state, entry.kind })
      assert.matches("made +%d+%-", home.check "finseg jobs --format table")
    end)
  end)

  describe("ends with a code for", function()
    local function expect(code, script, pattern)
      local status, _, err = home.run(script)
      assert.are.equal(code, status, script .. "\n" .. err)
      assert.matches(pattern, err)
      assert.is_nil(err:find("traceback", 1, true))
    end

    it("a command, kind or parameter that is wrong: 2", function()
      expect(2, "finseg", "Usage")
      expect(2, "finseg segmnt", "unknown command 'segmnt'")
      expect(2, "finseg segment highBalence --threshold 5", "unknown command 'highBalence'")
      expect(2, "finseg segment highBalance", "missing option '%-%-threshold'")
      expect(2, "finseg segment highBalance --threshold many", "threshold must be a number")
      expect(2, "finseg segment lowBalance --threshold 5 --duration-in-month 13", "from 1 to 12")
      expect(2, "finseg segment lowBalance --threshold 5 --duration-in-month x", "whole number expected")
      expect(2, "finseg segment highBalance --threshold 5 --account-type purse", "accountType")
      expect(2, "finseg get highBalance 1 --limit abc", "%-%-limit: a whole number from 0 on expected, not 'abc'")
      expect(2, "finseg get highBalance 1 --limit -1", "%-%-limit: a whole number from 0 on expected, not '%-1'")
      expect(2, "finseg get highBalance 1 --limit 1.5", "%-%-limit: a whole number")
      expect(2, "finseg segment highBalance --threshold 5 --timeout -5", "%-%-timeout: a number from 0 on expected")
      expect(2, "finseg rule run none.lua --memory much", "%-%-memory: a number from 0 on expected")
      expect(2, "finseg rule watch none.lua --sample inf", "%-%-sample: a whole number from 0 on expected")
      expect(2, "finseg rule run none.lua", "none.lua cannot be read")
      expect(2, "finseg diff a b", "keep one first")
    end)

    it("a machine that is out of file descriptors: 1", function()
      for limit = 4, 6 do
        local script = ("ulimit -n %d; finseg create highBalance --threshold 5"):format(limit)
        expect(1, script, "^finseg: [^\n]+: out of file descriptors; [^\n]+\n$")
      end
    end)

    it("credentials that are missing, refused or open to others: 3", function()
      local nobody = cli.home()
      finally(nobody.remove)
      nobody.variables.FINSEG_BASE_URL = service.base_url
      local status, _, err = nobody.run "finseg segment highBalance --threshold 5"
      assert.are.equal(3, status)
      assert.matches("client_id", err)
      expect(3, "FINSEG_CLIENT_SECRET=nonsense finseg segment highBalance --threshold 5", "credentials are wrong")
      home.write("open", "FINSEG_CLIENT_SECRET=x\n")
      expect(3, "chmod 644 open; finseg get highBalance 1 --credentials open", "chmod 600")
    end)

    it("a job that is not ready: 4, and how to pick it up", function()
      local slow = sandbox.start { users = 10, seed = 1, delay = 3600 }
      finally(slow.stop)
      local other = cli.home(slow)
      local status, _, err = other.run "finseg segment highBalance --threshold 5 --timeout 0.2"
      other.remove()
      assert.are.equal(4, status)
      assert.matches("finseg get highBalance %x+", err)
    end)

    it("a job that is not ready: the command that picks it up asks the same service, with the same words", function()
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { status = 201, body = [[{"jobId":"J 1/x'y"}]] } },
        ["GET /api/v1/segments/highBalance/J%201%2Fx%27y"] = {
          { status = 423, body = "{}" },
          { body = '{"users":[{"userId":"7"}],"totalElements":1}' },
        },
      }
      local other = cli.home()
      finally(function()
        server.stop()
        other.remove()
      end)
      other.write(
        "my keys",
        ("FINSEG_CLIENT_ID=%s\nFINSEG_CLIENT_SECRET=%s\n"):format(server.client_id, server.client_secret)
      )
      local options = (" --base-url %s --credentials 'my keys' --store s.db"):format(server.base_url)
      local status, _, err =
        other.run("chmod 600 'my keys'; finseg segment highBalance --threshold 5 --timeout 0" .. options)
      assert.are.equal(4, status, err)
      local command = err:match "pick the job up with\n  ([^\n]+)\n"
      assert.are.equal([[finseg get highBalance 'J 1/x'\''y']] .. options, command)
      assert.are.equal('{"userId":"7"}\n', other.check(command))
    end)

    it("a request that takes too long: 5, since no wait for a job is over", function()
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { status = 408, body = "{}" } },
      }
      finally(server.stop)
      local other = cli.home(server)
      local status, _, err = other.run "finseg segment highBalance --threshold 5 --timeout 0"
      other.remove()
      assert.are.equal(5, status)
      assert.matches("408", err)
    end)

    it("a journal that another process has locked: 5", function()
      home.check "finseg create highBalance --threshold 5"
      local path = home.folder .. "/.local/state/finseg/store.db"
      -- the lock that SQLite takes to write
      local holder = io.popen(
        ([[exec env -u LD_PRELOAD perl -MFcntl=:DEFAULT,:seek -e '
        open(F, "+<", "%s") or die; $lock = pack("ssx4qqlx4", F_WRLCK, SEEK_SET, 0x40000000, 512, 0);
        fcntl(F, F_SETLK, $lock) or die; open(R, ">", "%s/ready") or die; <STDIN>']]):format(path, home.folder),
        "w"
      )
      shell.check(("timeout 10 sh -c 'until [ -e %s/ready ]; do sleep 0.01; done'"):format(home.folder))
      local status, _, err = home.run "finseg jobs"
      holder:write "\n"
      holder:close()
      assert.are.equal(5, status)
      assert.matches("another process keeps it locked", err)
    end)

    it("a service that cannot be reached: 5", function()
      expect(5, "finseg get highBalance 1 --base-url http://127.0.0.1:1/api/v1", "no answer from")
    end)

    it("a job that is gone: 6", function()
      expect(6, "finseg get highBalance nosuchjob", "does not know this job")
    end)

    it("a journal that cannot be used: 3", function()
      home.write("store", "this is no store of finseg, by far")
      expect(3, "finseg jobs --store store", "name another file")
      expect(3, "finseg jobs --store ''", "name another file")
      expect(3, "finseg jobs --store /proc/none/store", "name another file")
    end)
  end)

  describe("takes credentials", function()
    it("from a file that is the user's alone", function()
      local nobody = cli.home()
      finally(nobody.remove)
      nobody.write(
        "mine",
        ("# mine\nexport FINSEG_BASE_URL='%s'\nFINSEG_CLIENT_ID=%s\nFINSEG_CLIENT_SECRET=\"%s\"\n"):format(
          service.base_url,
          service.client_id,
          service.client_secret
        )
      )
      nobody.check "chmod 600 mine; finseg create highBalance --threshold 5 --credentials mine"
      nobody.check "mkdir -p .config/finseg; mv mine .config/finseg/credentials"
      nobody.check "finseg create highBalance --threshold 6"
    end)

    it("of one source whole: no client id of one with the secret of the other", function()
      local nobody = cli.home()
      finally(nobody.remove)
      nobody.variables.FINSEG_BASE_URL = service.base_url
      nobody.write(
        "mine",
        ("FINSEG_CLIENT_ID=%s\nFINSEG_CLIENT_SECRET=%s\n"):format(service.client_id, service.client_secret)
      )
      nobody.check "chmod 600 mine; mkdir -p .config/finseg; cp -p mine .config/finseg/credentials"
      nobody.check "finseg create highBalance --threshold 5"
      local status, _, err = nobody.run "FINSEG_CLIENT_SECRET=x finseg create highBalance --threshold 6"
      assert.are.equal(3, status)
      assert.matches("client_id is missing", err)
      nobody.check "FINSEG_ACCESS_TOKEN=x finseg create highBalance --threshold 7 --credentials mine"
    end)

    it("from the environment alone when there is no home to look in", function()
      home.variables.HOME = nil
      local status, out, err = home.run "unset HOME; finseg create highBalance --threshold 5 --store store.db"
      assert.are.equal(0, status, err)
      assert.matches("jobId", out)
      local without = { home.run "unset HOME; finseg create highBalance --threshold 5" }
      assert.are.equal(3, without[1])
      assert.matches("HOME is not set", without[3])
    end)

    it("and never quotes a line of that file", function()
      home.write("mine", "hunter2\n")
      local status, _, err = home.run "chmod 600 mine; finseg create highBalance --threshold 5 --credentials mine"
      assert.are.equal(3, status)
      assert.matches("mine:1:", err)
      assert.is_nil(err:find("hunter2", 1, true))
    end)

    it("and no secret as an argument", function()
      assert.are.equal(2, (home.run "finseg create highBalance --threshold 5 --client-secret x"))
    end)
  end)

  describe("stopped by Ctrl-C", function()
    it("says how to go on", function()
      local slow = sandbox.start { users = 10, seed = 1, delay = 3600 }
      finally(slow.stop)
      local other = cli.home(slow)
      local running = other.start "segment highBalance --threshold 5"
      local job_id = one_made(other)
      running.interrupt()
      local status = wire.eventually("it has stopped", running.status)
      local said = running.err()
      other.remove()
      assert.are.equal(130, status)
      assert.matches("finseg: stopped", said)
      assert.matches("finseg get highBalance " .. job_id, said, 1, true)
    end)
  end)

  it("ends at Ctrl-C at a terminal, where the line of progress is drawn meanwhile", function()
    local slow = sandbox.start { users = 10, seed = 1, delay = 3600 }
    local other = cli.home(slow)
    local running = other.start_at_terminal "segment highBalance --threshold 5"
    finally(function()
      slow.stop()
      running.close()
      other.remove()
    end)
    local job_id = one_made(other)
    wire.eventually("it waits", function()
      return running.shown():find "of 1 job ready"
    end)
    running.type "\3"
    assert.are.equal(130, wire.eventually("it has stopped", running.status))
    assert.matches("finseg: stopped\r\n.*finseg get highBalance " .. job_id, running.shown())
    assert.is_nil(running.shown():find("stopped at once", 1, true))
  end)

  for _, verb in ipairs { "run", "watch" } do
    it("ends at Ctrl-C in a function of a rule, of which the progress line tells: rule " .. verb, function()
      local list = {}
      for i = 1, 500 do
        list[i] = ('{"userId":"%d"}'):format(i)
      end
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
        ["GET /api/v1/segments/highBalance/1"] = {
          { body = '{"users":[' .. table.concat(list, ",") .. '],"totalElements":500}' },
        },
      }
      local other = cli.home(server)
      other.write(
        "long.lua",
        [[return segment.highBalance({ threshold = 5 }):where(function()
          local n = 0
          for i = 1, 3e7 do n = n + i end
          return n > 0
        end)]]
      )
      local running = other.start_at_terminal("rule " .. verb .. " long.lua")
      finally(function()
        server.stop()
        running.close()
        other.remove()
      end)
      wire.eventually("the function runs", function()
        return running.shown():find "1 of 1 job ready, 500 users, working the rule out"
      end)
      running.type "\3"
      assert.are.equal(130, wire.eventually("it has stopped", running.status))
      assert.matches("finseg: stopped\r\n", running.shown())
      assert.is_nil(running.shown():find("stopped at once", 1, true))
    end)
  end

  it("ends at Ctrl-C even in one long call of a C function", function()
    local server = scripted_server.start {
      ["POST /api/v1/segments/highBalance"] = { { status = 201, body = '{"jobId":"1"}' } },
      ["GET /api/v1/segments/highBalance/1"] = { { body = '{"users":[{"userId":"7"}],"totalElements":1}' } },
    }
    local other = cli.home(server)
    other.write(
      "endless.lua",
      [[return segment.highBalance({ threshold = 5 }):where(function()
        return (("a"):rep(10000):find((".-"):rep(10) .. "b"))
      end)]]
    )
    local running = other.start "rule run endless.lua"
    finally(function()
      running.kill()
      server.stop()
      other.remove()
    end)
    local function processor_time()
      local fields = shell.read_file("/proc/" .. running.pid .. "/stat"):match "%) (.*)"
      return tonumber(fields:match(("%S+ "):rep(11) .. "(%d+)"))
    end
    wire.eventually("the last page is asked for", function()
      local requests = server.requests()
      return requests[#requests] and requests[#requests].path:find "/1$"
    end)
    local before = processor_time()
    wire.eventually("the rule is in its call", function()
      return processor_time() > before + 50
    end)
    running.interrupt()
    assert.are.equal(130, wire.eventually("it has stopped", running.status))
    assert.matches("finseg: stopped at once; .*finseg jobs lists them", running.err())
  end)

  describe("runs rules", function()
    before_each(function()
      home.write("overdraft.lua", OVERDRAFT)
    end)

    it("and prints their users with the evidence", function()
      local lines = lines_of(home.check "finseg rule run overdraft.lua")
      assert.is_true(#lines > 0)
      local user = cjson.decode(lines[1])
      assert.is_true(user.lowBalance.accounts[1].amount < -100)
      assert.is_true(user.highBalance.accounts[1].amount > 10000)
      assert.are.equal(1, count(lines[1], '"userId"'))
    end)

    it("and explains them before and after", function()
      assert.matches("a new job", home.check "finseg rule explain overdraft.lua")
      local _, _, err = home.run "finseg rule run overdraft.lua --steps"
      assert.matches("highBalance: %d+ users", err)
      assert.matches("is reused", home.check "finseg rule explain overdraft.lua")
      assert.are.equal("overdraft.lua", cjson.decode(home.check "finseg rule explain overdraft.lua --json").rule)
    end)

    it("and draws the amounts of each segment, as one JSON document when asked", function()
      local bars = home.check "finseg rule run overdraft.lua --histogram"
      assert.matches("highBalance\n.*#.*lowBalance\n", bars)
      local ranges = cjson.decode(home.check "finseg rule run overdraft.lua --histogram --json")
      assert.are.same({ "highBalance", "lowBalance" }, { ranges[1].name, ranges[2].name })
      assert.are.equal(2, #lines_of(home.check "finseg rule run overdraft.lua --histogram --format ndjson"))
    end)

    it("and says when there are no amounts to draw, and when there is no user", function()
      home.write("none.lua", "return segment.highBalance { threshold = 99999999 }")
      home.write("labels.lua", "return segment.incomeSpendingSummary { durationInMonth = 3 }")
      local status, out, err = home.run "finseg rule run none.lua --histogram --json"
      assert.are.same({ 0, "[]\n" }, { status, out })
      assert.matches("No user was found", err)
      status, out, err = home.run "finseg rule run labels.lua --histogram --json"
      assert.are.same({ 2, "" }, { status, out })
      assert.matches("carry no amounts", err)
    end)

    it("and explains them without credentials", function()
      local nobody = cli.home()
      finally(nobody.remove)
      nobody.write("overdraft.lua", OVERDRAFT)
      local status, out, err = nobody.run "finseg rule explain overdraft.lua"
      assert.are.equal(0, status)
      assert.matches("a new job", out)
      assert.matches("without credentials", err)
    end)

    it("keeps results and compares them", function()
      home.check "finseg rule run overdraft.lua --keep a >a.ndjson"
      home.write("overdraft.lua", (OVERDRAFT:gsub("10000", "20000")))
      home.check "finseg rule run overdraft.lua --keep b >b.ndjson"
      local status, out, err = home.run "finseg diff a b"
      assert.are.equal(0, status, err)
      local a = #lines_of(shell.read_file(home.folder .. "/a.ndjson"))
      local b = #lines_of(shell.read_file(home.folder .. "/b.ndjson"))
      assert.is_true(a > b)
      assert.are.equal(a - b, #lines_of(out))
      assert.are.equal("left", cjson.decode(lines_of(out)[1]).change)
      assert.are.equal(1, count(lines_of(out)[1], '"userId"'))
      assert.matches("change +userId", home.check "finseg diff a b --format table")
      assert.are.same(
        { entered = 0, left = a - b, moved = 0, same = b },
        cjson.decode(home.check "finseg diff a b --summary --json")
      )
    end)

    it("and loses no digit, no order and no empty list on the way to any format", function()
      local RECORD =
        '{"z":"last name first","accounts":[{"accountId":"1","amount":%s}],"a":[],"n":12345678901234567890}'
      local function user(amount)
        return (RECORD:format(amount):gsub("{", '{"userId":"7",', 1))
      end
      local server = scripted_server.start {
        ["POST /api/v1/segments/highBalance"] = {
          { status = 201, body = '{"jobId":"1"}' },
          { status = 201, body = '{"jobId":"2"}' },
        },
        ["GET /api/v1/segments/highBalance/1"] = { { body = '{"users":[' .. user "12.10" .. '],"totalElements":1}' } },
        ["GET /api/v1/segments/highBalance/2"] = {
          { body = '{"users":[' .. user "9007199254740993.10" .. '],"totalElements":1}' },
        },
      }
      local other = cli.home(server)
      other.write("r.lua", "return segment.highBalance { threshold = 5 }")
      local watching = other.start "rule watch r.lua --json"
      finally(function()
        watching.kill()
        server.stop()
        other.remove()
      end)
      local out = wire.eventually("a run", function()
        return watching.out():match "^(.*)\n"
      end)
      local line = '{"userId":"7","highBalance":' .. RECORD:format "12.10" .. "}"
      assert.are.equal(line .. "\n", other.check "finseg rule run r.lua --keep before")
      assert.are.equal("[" .. line .. "]\n", other.check "finseg rule run r.lua --json")
      assert.are.equal(line .. "\n", other.check "finseg rule run r.lua --memory 0")
      assert.are.equal(
        "userId,highBalance.accountId,highBalance.amount,highBalance.n,highBalance.z\r\n"
          .. "7,1,12.10,12345678901234567890,last name first\r\n",
        other.check "finseg rule run r.lua --format csv"
      )
      assert.truthy(out:find('"sample":[' .. line .. "]}", 1, true))
      other.check "finseg rule run r.lua --keep after --fresh"
      local difference = other.check "finseg diff before after"
      assert.truthy(difference:find('"before":{"highBalance":' .. RECORD:format "12.10" .. "}", 1, true))
      assert.truthy(difference:find('"before":12.10,"after":9007199254740993.10,"by":9007199254740981}', 1, true))
      assert.are.equal(
        "change,userId,what,before,after,by\r\nmoved,7,highBalance 1,12.10,9007199254740993.10,9007199254740981\r\n",
        other.check "finseg diff before after --format csv"
      )
      assert.are.equal("change,userId,what,before,after,by\r\n", other.check "finseg diff before before --format csv")
    end)

    it("and keeps results where nobody else looks", function()
      home.check "mkdir -p .local/state/finseg/results; chmod 755 .local/state/finseg/results"
      home.check "finseg rule run overdraft.lua --keep a"
      assert.are.equal("700\n", home.check "stat -c %a .local/state/finseg/results")
    end)

    it("and names the line of a mistake", function()
      for text, pattern in pairs {
        ["return segment.highBalance { threshold = 5 "] = "bad.lua:1: '}' expected",
        ["return segment.noSuchKind { }"] = "bad.lua:1: there is no segment kind",
        ["\nreturn segment.highBalance { treshold = 5 }"] = "bad.lua:2: .*treshold is no parameter",
        ["local x = 1"] = "bad.lua: the rule returns nothing",
        ["return segment.highBalance { threshold = 5 }:where(function(u)\nreturn u.x.y end)"] = "bad.lua:2: user.x",
        ["while true do end"] = "bad.lua:1: stopped after",
      } do
        home.write("bad.lua", text)
        local status, _, err = home.run "finseg rule run bad.lua"
        assert.are.equal(2, status, err)
        assert.matches(pattern, err)
      end
    end)

    it("and watches no file that is not there, and no folder", function()
      for _, name in ipairs { "none.lua", "." } do
        local status, _, err = home.run("finseg rule watch " .. name)
        assert.are.equal(2, status)
        assert.matches("^finseg: the rule %S+ cannot be read", err)
      end
    end)

    it("and waits for a watched file that has vanished, saying so once", function()
      local running = home.start "rule watch overdraft.lua --json"
      finally(running.kill)
      local function runs()
        return #lines_of(running.out())
      end
      wire.eventually("a run", function()
        return runs() == 1
      end)
      home.check "mv overdraft.lua away.lua"
      wire.eventually("it is told", function()
        return running.err():find "overdraft.lua cannot be read"
      end)
      home.write("away.lua", "return")
      home.check "mv away.lua overdraft.lua"
      wire.eventually("it runs again", function()
        return runs() == 2
      end)
      assert.are.equal(1, count(running.err(), "cannot be read"))
      assert.is_nil(running.status())
    end)

    it("and watches a file while a run waits: a saved change ends the wait", function()
      local stuck = sandbox.start { users = 10, seed = 1, fault = "job-stuck:1" }
      local other = cli.home(stuck)
      local text = "return segment.highBalance { threshold = -%d }"
      other.write("r.lua", text:format(1))
      local running = other.start "rule watch r.lua --json"
      finally(function()
        running.kill()
        stuck.stop()
        other.remove()
      end)
      one_made(other)
      other.write("r.lua", text:format(2))
      local run = wire.eventually("a run", function()
        local line = lines_of(running.out())[1]
        return line and cjson.decode(line)
      end)
      assert.is_true(run.users > 0)
      running.interrupt()
      assert.are.equal(130, wire.eventually("it has stopped", running.status))
    end)

    it("and goes on watching when the records of a run cannot be kept", function()
      home.variables.TMPDIR = "/dev/null/at-all"
      local running = home.start "rule watch overdraft.lua --json --memory 0"
      finally(running.kill)
      local run = wire.eventually("a run", function()
        local line = lines_of(running.out())[1]
        return line and cjson.decode(line)
      end)
      assert.are.equal("resource", run.kind)
      assert.matches("/dev/null/at%-all cannot be made", run.error)
      assert.is_nil(running.status())
    end)

    it("and watches a file: a saved change answers from the jobs that are there", function()
      local running = home.start "rule watch overdraft.lua --json"
      finally(running.kill)
      local function runs(n)
        return wire.eventually("run " .. n, function()
          local lines = lines_of(running.out())
          return lines[n] and cjson.decode(lines[n])
        end)
      end
      local first = runs(1)
      assert.is_true(first.users > 0)
      assert.are.equal(math.min(5, first.users), #first.sample)
      home.write("overdraft.lua", (OVERDRAFT:gsub("stressed %* saver", "stressed * saver - stressed")))
      local second = runs(2)
      assert.are.same({ 0, first.users, 0 }, { second.users, second.left, second.entered })
      assert.are.equal(1, count(running.out(), '"sample":[]'))
      home.write("overdraft.lua", "return")
      assert.matches("returns nothing", runs(3).error)
      home.write("overdraft.lua", OVERDRAFT)
      assert.are.equal(first.users, runs(4).users)
      local _, jobs = home.run "finseg jobs"
      assert.are.equal(2, #lines_of(jobs))
      running.interrupt()
      assert.are.equal(130, wire.eventually("it has stopped", running.status))
    end)
  end)

  it("becomes the sandbox", function()
    local out = home.check 'PATH="$(dirname "$FINSEG_SANDBOX"):$PATH" finseg sandbox --help'
    assert.matches("%-%-seed", out)
  end)

  it("starts by itself, with the Lua that LUA names", function()
    if os.getenv "FINSEG_SPEC_PRELOAD" then
      pending "the sanitizers' library is for Lua, not for the shell"
      return
    end
    assert.matches("^finseg ", home.check(('LUA=%s "$TOP"/lua/bin/finseg --version'):format(shell.lua)))
    assert.are.equal(127, (home.run 'LUA=nosuchlua "$TOP"/lua/bin/finseg --version'))
  end)
end)
