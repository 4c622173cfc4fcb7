-- Decimal numbers with all their digits, as JSON writes them: what money is compared and subtracted with, since no
-- floating-point number holds 12.10.

---@class finseg.Decimal  digits * 10^exponent, below zero when negative; no zero at either end of the digits
---@field negative boolean
---@field digits string  "" is zero
---@field exponent integer
local decimal = {}

--- Numbers this far from 1 are none of money's; their sums would be as long.
local LARGEST_EXPONENT, MOST_DIGITS = 400, 400

local function new(negative, digits, exponent)
  digits = digits:gsub("^0+", "")
  local zeros = #digits:match "0*$"
  digits = digits:sub(1, #digits - zeros)
  if digits == "" then
    return { negative = false, digits = "", exponent = 0 }
  end
  return { negative = negative, digits = digits, exponent = exponent + zeros }
end

--- Reads a JSON number.
---@param text string
---@return finseg.Decimal?  nil for a number beyond reason, and for what is none
function decimal.read(text)
  local sign, whole, rest = text:match "^(%-?)(%d+)(.*)$"
  if not sign then
    return nil
  end
  local fraction = rest:match "^%.(%d+)" or ""
  local power = tonumber(rest:match "[eE]%+?(%-?%d+)$" or "0")
  if #whole + #fraction > MOST_DIGITS or math.abs(power) > LARGEST_EXPONENT then
    return nil
  end
  return new(sign == "-", whole .. fraction, power - #fraction)
end

--- As plain decimal text, "12.1".
---@param number finseg.Decimal
---@return string
function decimal.text(number)
  local digits = number.digits
  if digits == "" then
    return "0"
  elseif number.exponent >= 0 then
    digits = digits .. ("0"):rep(number.exponent)
  else
    digits = ("0"):rep(1 - number.exponent - #digits) .. digits
    digits = digits:sub(1, number.exponent - 1) .. "." .. digits:sub(number.exponent)
  end
  return (number.negative and "-" or "") .. digits
end

---@return boolean
function decimal.equal(a, b)
  return a.negative == b.negative and a.digits == b.digits and a.exponent == b.exponent
end

-- Digits are added seven at a time, the last ones first.
local GROUP, BASE = 7, 10000000

local function groups_of(digits)
  local groups = {}
  for last = #digits, 1, -GROUP do
    groups[#groups + 1] = tonumber(digits:sub(math.max(last - GROUP + 1, 1), last))
  end
  return groups
end

--- The digits of a + sign * b, which is not below zero.
local function combine(a, b, sign)
  a, b = groups_of(a), groups_of(b)
  local carry = 0
  for position = 1, math.max(#a, #b) + 1 do
    local sum = (a[position] or 0) + sign * (b[position] or 0) + carry
    carry = math.floor(sum / BASE)
    a[position] = sum - carry * BASE
  end
  local texts = {}
  for position = #a, 1, -1 do
    texts[#texts + 1] = ("%07d"):format(a[position])
  end
  return table.concat(texts)
end

--- The digits of a number from 10^exponent on, without zeros before them.
local function digits_from(number, exponent)
  return number.digits == "" and "" or number.digits .. ("0"):rep(number.exponent - exponent)
end

local function is_less(a, b)
  if #a ~= #b then
    return #a < #b
  end
  return a < b
end

---@param a finseg.Decimal
---@param b finseg.Decimal
---@return finseg.Decimal
function decimal.add(a, b)
  local exponent = math.min(a.exponent, b.exponent)
  local left, right = digits_from(a, exponent), digits_from(b, exponent)
  if a.negative == b.negative then
    return new(a.negative, combine(left, right, 1), exponent)
  elseif is_less(left, right) then
    return new(b.negative, combine(right, left, -1), exponent)
  end
  return new(a.negative, combine(left, right, -1), exponent)
end

---@param a finseg.Decimal
---@param b finseg.Decimal
---@return finseg.Decimal
function decimal.subtract(a, b)
  return decimal.add(a, { negative = not b.negative, digits = b.digits, exponent = b.exponent })
end

return decimal
