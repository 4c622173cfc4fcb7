--- Banks for the sandbox's specs: folders of Berka files written by hand, services over them, and their balances.

local afterwards = require("spec.support.afterwards")
local berka = require("spec.support.berka")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")
local wire = require("spec.support.wire")

local bank = {}

local HEADERS = {
  ["account.asc"] = '"account_id";"district_id";"frequency";"date"',
  ["disp.asc"] = '"disp_id";"client_id";"account_id";"type"',
  ["trans.asc"] = '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"',
}

--- A folder with these Berka files, which ends with the test; a file is its text, or the rows after its header.
function bank.berka_folder(finally, files)
  local folder = shell.scratch()
  afterwards(finally, function()
    shell.remove(folder)
  end)
  for name, content in pairs(files) do
    if type(content) == "table" then
      content = HEADERS[name] .. "\r\n" .. table.concat(content, "\r\n") .. (#content > 0 and "\r\n" or "")
    end
    shell.write_file(folder .. "/" .. name, content)
  end
  return folder
end

--- A service that ends with the test.
function bank.start(finally, options)
  local service = sandbox.start(options)
  afterwards(finally, service.stop)
  return service
end

--- A service over accounts written by hand: { { id, owner, opened, { date, cents }... }... }, dates YYMMDD.
-- `today` is 1994-04-01 by default.
function bank.start_with(finally, accounts, today)
  local files = { ["account.asc"] = {}, ["disp.asc"] = {}, ["trans.asc"] = {} }
  local transactions = files["trans.asc"]
  for i, account in ipairs(accounts) do
    local id, owner, opened = account[1], account[2], account[3]
    files["account.asc"][i] = ('%d;1;"POPLATEK MESICNE";%s'):format(id, opened)
    files["disp.asc"][i] = ('%d;%d;%d;"OWNER"'):format(i, owner, id)
    for k = 4, #account do
      local date, cents = account[k][1], account[k][2]
      transactions[#transactions + 1] = ('%d;%d;%s;"%s";"";%s;0.00;"";;'):format(
        #transactions + 1,
        id,
        date,
        cents < 0 and "VYDAJ" or "PRIJEM",
        berka.amount_text(math.abs(cents))
      )
    end
  end
  return bank.start(finally, { import = "berka=" .. bank.berka_folder(finally, files), today = today or "1994-04-01" })
end

--- The segment as text, as wire.segment_text() has it; a threshold is a text.
function bank.high_balance(service, threshold, account_type)
  local body = ('{"threshold":%s%s}'):format(
    threshold,
    account_type and (',"accountType":"%s"'):format(account_type) or ""
  )
  return wire.segment_text(service, "highBalance", body)
end

--- The same for lowBalance, read in pages of `size`.
function bank.low_balance(service, threshold, duration, account_type, size)
  local body = ('{"threshold":%s,"durationInMonth":%d%s}'):format(
    threshold,
    duration,
    account_type and (',"accountType":"%s"'):format(account_type) or ""
  )
  return wire.segment_text(service, "lowBalance", body, size)
end

return bank
