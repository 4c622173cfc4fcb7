-- The types of store that come with finseg keep the contract of all; what is the file's own.

local finseg = require "finseg"
local run_lua = require "spec.support.run_lua"
local shell = require "spec.support.shell"

local stores = finseg.store

local store_contract = assert(loadfile("spec/lua/store/contract.lua", "t", _ENV or getfenv(1)))()

-- The program that runs the tests, for scripts of the shell; `make asan` needs its library in it.
local LUA = 'env LD_PRELOAD="${FINSEG_SPEC_PRELOAD-}" ' .. shell.lua

local kinds = {
  {
    name = "memory",
    open = function()
      return stores.open "memory"
    end,
  },
  {
    name = "file",
    shared = true,
    open = function(place)
      return stores.open("file", place .. "/store.db")
    end,
  },
}

for _, kind in ipairs(kinds) do
  store_contract(kind)
end

describe("finseg.store", function()
  it("names the kinds there are when asked for another", function()
    local store, err = stores.open "cloud"
    assert.is_nil(store)
    assert.are.equal("config", err.kind)
    assert.matches("file, memory", err.message)
  end)

  it("has no shared dict outside nginx", function()
    local store, err = stores.open("shared_dict", "finseg")
    assert.is_nil(store)
    assert.are.equal("config", err.kind)
    assert.matches("this is not nginx", err.message)
  end)

  it("tells what a table lacks to be a store", function()
    assert.matches("`put`", stores.problem_of { name = "x", get = print })
    assert.matches("a table", stores.problem_of "memory")
  end)

  it("loads SQLite only when a file is opened", function()
    local script = [[
      local finseg = require "finseg"
      local store = finseg.store.open "memory"
      finseg.rule.parse "return segment.highBalance { threshold = 1 }"
      print(package.loaded["finseg.store.sqlite"], store:put("a", "b", 1, false))
    ]]
    local _, output = run_lua(script)
    assert.matches("^nil%s+true", output)
  end)
end)

describe("the store of the type memory", function()
  it("drops what has ended though nobody asks for it, and nothing else", function()
    local store = stores.open "memory"
    for i = 1, 1500 do
      store:put("kept " .. i, "x", 60, false)
    end
    for i = 1, 10000 do
      store:put("ended " .. i, "x", -1, false)
    end
    local count = 0
    for _ in pairs(store.entries) do
      count = count + 1
    end
    assert.is_true(count <= 2 * 1500, count)
    assert.are.equal(1500, #store:list "")
  end)
end)

describe("the store of the type file", function()
  local folder, path

  before_each(function()
    folder = shell.scratch()
    path = folder .. "/state/jobs.db"
  end)

  after_each(function()
    shell.check("chmod -R u+rwX " .. shell.quote(folder))
    shell.remove(folder)
  end)

  -- Where SQLite's header has them.
  local USER_VERSION, APPLICATION_ID = 60, 68

  local function overwrite(file, position, bytes)
    local handle = assert(io.open(file, "r+b"))
    handle:seek("set", position)
    handle:write(bytes)
    handle:close()
  end

  local function mode_of(file)
    return (shell.check("stat -c %a " .. shell.quote(file)):gsub("\n", ""))
  end

  local function refused(file)
    local store, err = stores.open("file", file or path)
    assert.is_nil(store)
    assert.matches(file or path, err.message, 1, true)
    return err
  end

  it("makes its folder and file for the user alone, whatever the umask", function()
    local script = ([[
      umask 0
      %s -e 'local s = assert(require("finseg").store.open("file", "%s")) s:put("a", "b", 60, false) s:close()'
    ]]):format(LUA, path)
    shell.check(script)
    assert.are.equal("600", mode_of(path))
    assert.are.equal("700", mode_of(folder .. "/state"))
  end)

  it("drops what has ended while it is open, and nothing else", function()
    local store = assert(stores.open("file", path))
    assert.is_true(store:put("kept", "x", 3600, false))
    for i = 1, 2500 do
      store:put("ended " .. i, "x", -1, false)
    end
    local whatever_its_end = store.handle:list("", 0)
    assert.is_true(#whatever_its_end <= 1001, #whatever_its_end)
    assert.are.equal("x", store:get "kept")
    store:close()
  end)

  it("refuses the store of a later version", function()
    assert(stores.open("file", path)):close()
    overwrite(path, USER_VERSION, "\0\0\0\3")
    local err = refused()
    assert.are.equal("config", err.kind)
    assert.matches("its version is higher.*later version of finseg: update finseg", err.message)
  end)

  it("makes a store that others may read the user's alone, and nothing else", function()
    assert(stores.open("file", path)):close()
    shell.check("chmod 644 " .. path)
    local store = assert(stores.open("file", path))
    assert.are.equal("600", mode_of(path))
    store:close()
    shell.write_file(folder .. "/letter.txt", ("Dear Anna,\n"):rep(100))
    shell.check(("chmod 644 %s/letter.txt"):format(folder))
    refused(folder .. "/letter.txt")
    assert.are.equal("644", mode_of(folder .. "/letter.txt"))
  end)

  it("refuses a file that is somebody else's, and leaves it as it is", function()
    shell.write_file(folder .. "/letter.txt", ("Dear Anna,\n"):rep(100))
    assert.matches("no store of finseg", refused(folder .. "/letter.txt").message)
    assert.are.equal(("Dear Anna,\n"):rep(100), shell.read_file(folder .. "/letter.txt"))

    assert(stores.open("file", path)):close()
    overwrite(path, APPLICATION_ID, "mail")
    assert.matches("no store of finseg", refused().message)
  end)

  it("says that a file is damaged", function()
    local store = assert(stores.open("file", path))
    for i = 1, 200 do
      store:put("key " .. i, ("v"):rep(200), 60, false)
    end
    store:close()
    overwrite(path, 4096, ("0"):rep(8192))
    store = assert(stores.open("file", path))
    local listed, err = store:list ""
    store:close()
    assert.is_nil(listed)
    assert.are.equal("config", err.kind)
    assert.matches("damaged: move it away", err.message)
  end)

  it("says that it may not write", function()
    assert(stores.open("file", path)):close()
    shell.check(("chmod 444 %s && chmod 555 %s/state && chmod 755 %s"):format(path, folder, folder))
    local script = ([[
      local store, err = require("finseg").store.open("file", "%s")
      print(store, err.kind, err)
    ]]):format(path)
    shell.write_file(folder .. "/try.lua", script)
    -- Root may write anything, so another user has to try, who need not be able to read the checkout.
    local run = ([[
      mkdir FOLDER/c
      cp -R lua/finseg FOLDER/finseg
      cp -R "${BUILD:-build}/NAME/finseg" FOLDER/c/finseg
      chmod -R a+rX FOLDER/finseg FOLDER/c
      export LUA_PATH="FOLDER/?.lua;FOLDER/?/init.lua;;" LUA_CPATH="FOLDER/c/?.so;;"
      who=; [ "$(id -u)" != 0 ] || who="setpriv --reuid=65534 --regid=65534 --clear-groups"
      cd FOLDER
      $who PROGRAM try.lua
    ]]):gsub("%u%u%u+", { FOLDER = folder, NAME = shell.lua, PROGRAM = LUA })
    local output = shell.check(run)
    assert.matches("^nil%s+config%s", output)
    assert.matches("cannot be written: check its owner and mode", output)
  end)

  it("names a folder that cannot be made", function()
    shell.write_file(folder .. "/file", "")
    assert.matches("check that the folder is there", refused(folder .. "/file/sub/jobs.db").message)
  end)

  it("gives a key to one of many processes", function()
    assert(stores.open("file", path)):close()
    local script = ([[
      for i in 1 2 3 4 5 6; do
        %s -e 'local store = assert(require("finseg").store.open("file", "%s"))
          local won = 0
          for i = 1, 40 do
            if store:put("key " .. i, "x", 60, false) then won = won + 1 end
          end
          print("won", won)' &
      done
      wait
    ]]):format(LUA, path)
    local won = 0
    for count in shell.check(script):gmatch "won%s+(%d+)" do
      won = won + tonumber(count)
    end
    assert.are.equal(40, won)
  end)

  it("says that another process keeps it locked", function()
    assert(stores.open("file", path)):close()
    local ready = folder .. "/ready"
    -- a lock on the bytes that SQLite locks to write
    local holder = io.popen(
      ([[exec env -u LD_PRELOAD perl -MFcntl=:DEFAULT,:seek -e '
      open(F, "+<", "%s") or die; $lock = pack("ssx4qqlx4", F_WRLCK, SEEK_SET, 0x40000000, 512, 0);
      fcntl(F, F_SETLK, $lock) or die;
      open(R, ">", "%s") or die; <STDIN>']]):format(path, ready),
      "w"
    )
    shell.check(("timeout 10 sh -c 'until [ -e %s ]; do sleep 0.01; done'"):format(ready))
    local store, err = stores.open("file", path)
    holder:write "\n"
    holder:close()
    assert.is_nil(store)
    assert.are.equal("timeout", err.kind)
    assert.matches("another process keeps it locked", err.message)
  end)

  it("raises for a path that is no text", function()
    assert.error_matches(function()
      stores.open("file", 7)
    end, "bad argument #1 to 'open'")
  end)
end)
