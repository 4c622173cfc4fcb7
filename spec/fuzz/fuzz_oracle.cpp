// Any bytes, held against simdjson: the same verdict on the JSON; and in a result page the same users, ids, accounts
// and amounts.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <simdjson.h>
#include <string_view>

extern "C" {
#include "finseg.h"
#include "value/json.h"
}

using namespace simdjson;

namespace {

void require(bool condition)
{
    if (!condition)
        abort();
}

// simdjson refuses integers beyond 64 bits and numbers beyond a double; a text with one of them says nothing here.
bool is_beyond_simdjson(const fs_json_value &number)
{
    std::string text(number.data, number.length);
    return (number.integer && number.length > 18) || !std::isfinite(strtod(text.c_str(), nullptr));
}

// Whether all of a text that has passed the check is within simdjson's limits.
bool is_comparable(fs_json &json)
{
    fs_json_type type;
    fs_json_value value;
    bool first = true;
    if (!fs_json_peek(&json, &type))
        return false;
    if (type == FS_JSON_OBJECT) {
        fs_json_enter(&json);
        while (fs_json_next_member(&json, &first, &value)) {
            if (!is_comparable(json))
                return false;
        }
        return true;
    }
    if (type == FS_JSON_ARRAY) {
        fs_json_enter(&json);
        while (fs_json_next_element(&json, &first)) {
            if (!is_comparable(json))
                return false;
        }
        return true;
    }
    return fs_json_skip(&json, &value) && !(type == FS_JSON_NUMBER && is_beyond_simdjson(value));
}

bool is_same(finseg_slice slice, std::string_view text)
{
    return std::string_view(slice.length ? slice.data : "", slice.length) == text;
}

// An amount with all its digits in a double is the quotient of two exact doubles, rounded once, as the decimal text is.
void check_amount(const finseg_page *page, size_t index, dom::element expected)
{
    int64_t amount;
    double number = expected.get_double();
    const int64_t exact = INT64_C(1) << 53;
    if (!finseg_page_amount(page, index, &amount) || amount > exact || amount < -exact)
        return;
    require((double)amount / 10000 == number);
}

void check_records(const finseg_page *page, dom::array records, size_t &index)
{
    for (dom::element record : records) {
        dom::element amount;
        dom::element account;
        if (record["amount"].get(amount))
            continue;
        check_amount(page, index, amount);
        std::string_view id;
        if (!record["accountId"].get(account) && !account.is_null())
            id = account.get_string();
        require(is_same(finseg_page_amount_account(page, index), id));
        index++;
    }
}

void check_user(const finseg_page *page, size_t user, dom::element expected, size_t &index)
{
    size_t first;
    size_t before = index;
    dom::element records;
    std::string_view id = expected["userId"].get_string();
    require(is_same(finseg_page_user_id(page, user), id));
    if ((!expected["accounts"].get(records) && !records.is_null()) ||
        (!expected["insurances"].get(records) && !records.is_null()))
        check_records(page, records.get_array(), index);
    require(finseg_page_user_amounts(page, user, &first) == index - before && first == before);
}

void check_page(const char *text, size_t length, dom::element expected)
{
    finseg_page *page = finseg_page_parse(text, length, nullptr);
    if (!page)
        return;
    size_t user = 0;
    size_t index = 0;
    for (dom::element element : dom::array(expected["users"].get_array()))
        check_user(page, user++, element, index);
    require(user == finseg_page_user_count(page) && index == finseg_page_amount_count(page));
    dom::element total;
    int64_t announced = -1;
    if (!expected["totalElements"].get(total) && !total.is_null())
        announced = total.get_int64();
    require(finseg_page_total_elements(page) == announced);
    finseg_page_free(page);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static dom::parser parser;
    const char *text = reinterpret_cast<const char *>(data);
    fs_json json;
    fs_json_value value;
    dom::element element;
    fs_json_begin(&json, text, size);
    bool accepted = fs_json_skip(&json, &value) && fs_json_finish(&json);
    if (json.too_deep)
        return 0;
    bool oracle = !parser.parse(padded_string(text, size)).get(element);
    if (!accepted) {
        require(!oracle);
        return 0;
    }
    fs_json_begin(&json, text, size);
    if (!is_comparable(json))
        return 0;
    require(oracle);
    check_page(text, size, element);
    return 0;
}
