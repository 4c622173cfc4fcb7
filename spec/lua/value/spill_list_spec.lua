-- Texts in memory up to a bound, and the others in a temporary file.

local SpillList = require "finseg.value.spill_list"
local run_lua = require "spec.support.run_lua"
local shell = require "spec.support.shell"

local TEXTS = { "one", "", "two\nlines\n", ("x"):rep(100000), "5\n", "\0" }

describe("a spill list", function()
  for name, bytes in pairs { ["in memory"] = 2 ^ 20, ["in a file"] = 0, ["in both"] = 20 } do
    it("gives the texts as they were added, in their order and by their places, " .. name, function()
      local list, places = SpillList.new { left = bytes }, {}
      for position, text in ipairs(TEXTS) do
        places[position] = assert(list:add(text))
      end
      for position = #TEXTS, 1, -1 do
        assert.are.equal(TEXTS[position], list:get(places[position]))
      end
      for _ = 1, 2 do
        local texts = {}
        for text in list:each() do
          texts[#texts + 1] = text
        end
        assert.are.same(TEXTS, texts)
      end
    end)
  end

  it("shares its bound with others, and needs no file below it", function()
    local bound = { left = 10 }
    local one, other = SpillList.new(bound), SpillList.new(bound)
    one:add "12345"
    other:add "12345"
    assert.are.equal(0, bound.left)
    assert.is_nil(one.file or other.file)
    one:add "1"
    assert.is_truthy(one.file)
    assert.is_nil(other.file)
  end)

  it("has a file without a name in TMPDIR that is the user's and the process's alone", function()
    local folder = shell.scratch()
    finally(function()
      shell.remove(folder)
    end)
    local status, printed = run_lua(
      [[
        local list = require("finseg.value.spill_list").new { left = 0 }
        list:add "secret"
        os.execute 'cd /proc/$PPID/fd && for f in *; do readlink $f | grep -q "$TMPDIR" && stat -L -c %a $f; done'
        os.execute 'readlink /proc/$$/fd/* | grep -c "$TMPDIR"'
        os.execute 'ls -A "$TMPDIR" | wc -l'
        print(list:get(0))]],
      "TMPDIR=" .. folder
    )
    assert.are.equal(0, status, printed)
    assert.are.equal("600\n0\n0\nsecret\n", printed)
  end)

  describe("answers an err of kind resource that names the folder", function()
    local ADD = [[
      local list = require("finseg.value.spill_list").new { left = 0 }
      local place, err = list:add(("x"):rep(100000))
      if place then
        place, err = list:get(place)
      end
      print(place, err.kind, err.message)]]

    it("where there can be no folder", function()
      local _, printed = run_lua(ADD, "TMPDIR=/dev/null/at-all")
      assert.matches(
        "^nil\tresource\ta temporary file in /dev/null/at%-all cannot be made %(.*Not a directory",
        printed
      )
    end)

    it("where there is no room", function()
      local _, printed = run_lua(ADD, "TMPDIR=/tmp", nil, "trap '' XFSZ\nulimit -f 8")
      assert.matches(
        "^nil\tresource\ta temporary file in /tmp cannot be written %(File too large%): make room",
        printed
      )
    end)
  end)
end)
