-- JSON handled as text: taken apart, and put together again, without a byte of a value changed.

local core = require "finseg.core"
local json_text = require "finseg.value.json_text"

describe("a JSON text", function()
  it("is taken apart into its elements, or names and values, as they came", function()
    assert.are.same({ "1.10", '"a"', "[ 1 ]", "null" }, core.json_parts ' [1.10, "a" ,[ 1 ],null] ')
    assert.are.same({ "b", "12.10", "a", '{ "x":1}' }, core.json_parts '{"b" : 12.10,"a":{ "x":1}}')
    assert.are.same({ "é\0", "1" }, core.json_parts '{"\\u00e9\\u0000":1}')
    assert.are.same({}, core.json_parts "{}")
    assert.are.same({}, core.json_parts "[ ]")
  end)

  it("is refused when it is none, or holds nothing to take apart", function()
    for text, problem in pairs {
      [""] = ".",
      ["7"] = "an object or a list expected",
      ["[1"] = "ends too early",
      ["[1] 2"] = ".",
      ['{"a" 1}'] = ".",
      ['{"a":01}'] = ".",
    } do
      local parts, reason = core.json_parts(text)
      assert.is_nil(parts)
      assert.matches(problem, reason)
    end
  end)

  it("loses its members of one name and no other byte", function()
    for text, expected in pairs {
      ['{"userId":"a","x":1.10}'] = '{"x":1.10}',
      ['{ "x" : 1 , "userId":"a" , "y":2 }'] = '{ "x" : 1 , "y":2 }',
      ['{"x":1,"userId":"a"}'] = '{"x":1}',
      ['{"userId":"a"}'] = "{}",
      ['{"userId":1,"userId":2,"y":[1 , 2],"user\\u0049d":3}'] = '{"y":[1 , 2]}',
      ['{"x":{"userId":"b"}}'] = '{"x":{"userId":"b"}}',
      ["{}"] = "{}",
    } do
      assert.are.equal(expected, core.json_without(text, "userId"))
    end
    assert.is_nil(core.json_without("[1]", "userId"))
    assert.is_nil(core.json_without('{"userId":1,', "userId"))
  end)

  it("tells its members, elements and strings; anything else has none", function()
    local seen = {}
    for name, text in json_text.members '{"b":1e2,"a":[]}' do
      seen[#seen + 1] = name .. "=" .. text
    end
    assert.are.same({ "b=1e2", "a=[]" }, seen)
    assert.are.same({ x = "1.0" }, json_text.fields '{"x":1.0}')
    assert.are.same({}, json_text.fields(nil))
    assert.are.same({}, json_text.elements '{"x":1}')
    assert.are.equal("é", json_text.string '"\\u00e9"')
    assert.are.equal("a", json_text.string '"a"')
    assert.is_nil(json_text.string "5")
  end)

  it("fits on one line, the line ends in its texts with it", function()
    assert.are.equal('{"a":"\\n","b":[1,2]}', json_text.one_line '{"a":"\\n",\r\n  "b":[1,\n2]}')
  end)
end)
