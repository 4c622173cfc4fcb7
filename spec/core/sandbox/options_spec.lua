-- The command line of finseg-sandbox.

local cjson = require("cjson")
local http = require("spec.support.http")
local sandbox = require("spec.support.sandbox")
local shell = require("spec.support.shell")

local TODAY = "2024-04-15"

-- A service that ends with the test.
local function start(finally, options)
  options = options or {}
  options.today = options.today or TODAY
  local service = sandbox.start(options)
  finally(service.stop)
  return service
end

describe("the sandbox's command line", function()
  it("prints help and version", function()
    local status, printed = sandbox.run({ "--help" })
    assert.equal(0, status)
    for _, option in ipairs({ "--port", "--db", "--import", "--users", "--seed", "--today", "--delay", "--job-ttl" }) do
      assert.truthy(printed:find(option, 1, true))
    end
    assert.truthy(printed:find("sandbox-secret", 1, true), "the default secret is told")
    status, printed = sandbox.run({ "--version" })
    assert.equal(0, status)
    assert.matches("^finseg%-sandbox %d+%.%d+%.%d+\n$", printed)
  end)

  it("refuses wrong options with one line and status 2", function()
    local cases = {
      { "--nonsense" },
      { "stray" },
      { "--port" },
      { "--port", "65536" },
      { "--port", "-1" },
      { "--users", "many" },
      { "--users", "-5" },
      { "--seed", "0x10" },
      { "--seed", "18446744073709551616" },
      { "--today", "2024-02-30" },
      { "--today", "01.04.2024" },
      { "--delay", "-1" },
      { "--delay", "nan" },
      { "--delay", "soon" },
      { "--token-ttl", "0" },
      { "--job-ttl", "" },
      { "--import", "berka" },
      { "--import", "mt940=DIR" },
      { "--client-id", "" },
      { "--client-id", "\255" },
      { "--role", "admin" },
      { "--tls-cert", "cert.pem" },
      { "--tls-key", "key.pem" },
      { "--callback-allow", "" },
      { "--callback-patience", "-1" },
    }
    for _, words in ipairs(cases) do
      local status, printed, said = sandbox.run(words)
      local case = table.concat(words, " ")
      assert.equal(2, status, case)
      assert.equal("", printed, case)
      assert.matches("^finseg%-sandbox: [^\n]+\n$", said, case)
      assert.truthy(said:find(words[1], 1, true), case)
    end
  end)

  it("says which port is taken, and which file is missing", function()
    local service = start(finally)
    local port = service.url:match("(%d+)$")
    local status, _, said = sandbox.run({ "--port", port })
    assert.equal(1, status)
    assert.truthy(said:find("127.0.0.1:" .. port, 1, true))
    local missing = shell.scratch() .. "/missing"
    finally(function()
      shell.remove((missing:gsub("/missing$", "")))
    end)
    status, _, said = sandbox.run({ "--import", "berka=" .. missing })
    assert.equal(1, status)
    assert.truthy(said:find(missing .. "/account.asc", 1, true))
    status, _, said = sandbox.run({ "--tls-cert", missing .. "/cert.pem", "--tls-key", missing .. "/key.pem" })
    assert.equal(1, status)
    assert.truthy(said:find(missing .. "/cert.pem", 1, true))
    status, _, said = sandbox.run({ "--db", missing .. "/bank.db" })
    assert.equal(1, status)
    assert.truthy(#said > 0)
  end)

  it("serves HTTPS with a certificate", function()
    local folder = shell.scratch()
    finally(function()
      shell.remove(folder)
    end)
    shell.check(
      ("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext %s -keyout %s -out %s"):format(
        shell.quote("subjectAltName=DNS:localhost,IP:127.0.0.1"),
        folder .. "/key.pem",
        folder .. "/cert.pem"
      )
    )
    local service = sandbox.start({ today = TODAY, tls_cert = folder .. "/cert.pem", tls_key = folder .. "/key.pem" })
    local ok, problem = pcall(function()
      assert.matches("^https://127%.0%.0%.1:%d+$", service.url)
      local form = http.form({
        grant_type = "client_credentials",
        client_id = service.client_id,
        client_secret = service.client_secret,
      })
      local printed = shell.check(
        ("curl -s --cacert %s -d %s %s"):format(folder .. "/cert.pem", shell.quote(form), service.token_url)
      )
      assert.is_string(cjson.decode(printed).access_token)
      assert.not_equal(0, (shell.run("curl -s " .. service.token_url)), "an unknown certificate is not trusted")
    end)
    service.stop()
    assert(ok, problem)
  end)
end)
