// simdjson's on-demand parser in its best form: members in the order of the text, keys compared raw, amounts from the
// bytes of their tokens. Ids come in two ways: as strings, whose escapes are checked and resolved as finseg does it; or
// raw, as the bytes of their tokens stand there, which is faster and no longer the same work.
#include <simdjson.h>

#include "peers.h"

using namespace simdjson;

namespace {

// A JSON number's text at scale 10^-4; nothing for exponents and more decimals, which our samples do not have.
bool read_amount(std::string_view text, int64_t &amount)
{
    const char *at = text.data();
    const char *end = at + text.size();
    while (end > at && (unsigned char)end[-1] <= ' ')
        end--;
    bool negative = at < end && *at == '-';
    at += negative;
    uint64_t value = 0;
    int decimals = 4;
    while (at < end && *at >= '0' && *at <= '9')
        value = value * 10 + (uint64_t)(*at++ - '0');
    if (at < end && *at == '.') {
        at++;
        while (at < end && *at >= '0' && *at <= '9' && decimals > 0) {
            value = value * 10 + (uint64_t)(*at++ - '0');
            decimals--;
        }
    }
    while (decimals-- > 0)
        value *= 10;
    amount = negative ? -(int64_t)value : (int64_t)value;
    return at == end;
}

bool is(ondemand::raw_json_string key, const char *name)
{
    return key.unsafe_is_equal(name);
}

template <bool raw> bool read_string(ondemand::value value, const char *&data, uint32_t &length)
{
    if (!raw) {
        std::string_view text;
        if (value.get_string().get(text))
            return false;
        data = text.data();
        length = (uint32_t)text.size();
        return true;
    }
    // The token is followed by white space up to the next one.
    std::string_view token = value.raw_json_token();
    const char *end = token.data() + token.size();
    while (end[-1] != '"')
        end--;
    data = token.data() + 1;
    length = (uint32_t)(end - data - 1);
    return token[0] == '"';
}

template <bool raw> bool read_account(ondemand::object account, peer_columns *columns)
{
    peer_amount amount{};
    for (auto field : account) {
        ondemand::raw_json_string key;
        if (field.key().get(key))
            return false;
        ondemand::value value;
        if (field.value().get(value))
            return false;
        if (is(key, "amount")) {
            if (!read_amount(value.raw_json_token(), amount.amount))
                return false;
        } else if (is(key, "accountId")) {
            if (!read_string<raw>(value, amount.account, amount.account_length))
                return false;
        }
    }
    columns->amounts[columns->amount_count++] = amount;
    return true;
}

template <bool raw> bool read_user(ondemand::object object, peer_columns *columns)
{
    peer_user user{};
    user.first_amount = (uint32_t)columns->amount_count;
    for (auto field : object) {
        ondemand::raw_json_string key;
        if (field.key().get(key))
            return false;
        ondemand::value value;
        if (field.value().get(value))
            return false;
        if (is(key, "userId")) {
            if (!read_string<raw>(value, user.id, user.id_length))
                return false;
        } else if (is(key, "accounts")) {
            ondemand::array accounts;
            if (value.get_array().get(accounts))
                return false;
            for (auto element : accounts) {
                ondemand::object account;
                if (element.get_object().get(account) || !read_account<raw>(account, columns))
                    return false;
            }
        }
    }
    columns->users[columns->user_count++] = user;
    return true;
}

template <bool raw> bool read_page(void *peer, const char *text, size_t length, peer_columns *columns)
{
    auto *parser = static_cast<ondemand::parser *>(peer);
    columns->user_count = 0;
    columns->amount_count = 0;
    ondemand::document document;
    ondemand::object page;
    if (parser->iterate(text, length, length + SIMDJSON_PADDING).get(document) || document.get_object().get(page))
        return false;
    for (auto field : page) {
        ondemand::raw_json_string key;
        if (field.key().get(key))
            return false;
        if (!is(key, "users"))
            continue;
        ondemand::array users;
        if (field.value().get_array().get(users))
            return false;
        for (auto element : users) {
            ondemand::object user;
            if (element.get_object().get(user) || !read_user<raw>(user, columns))
                return false;
        }
    }
    return true;
}

} // namespace

void *peer_simdjson_new()
{
    return new ondemand::parser();
}

void peer_simdjson_free(void *peer)
{
    delete static_cast<ondemand::parser *>(peer);
}

const char *peer_simdjson_kernel()
{
    static std::string name = get_active_implementation()->name();
    return name.c_str();
}

bool peer_simdjson_read(void *peer, const char *text, size_t length, peer_columns *columns)
{
    return read_page<false>(peer, text, length, columns);
}

bool peer_simdjson_read_raw(void *peer, const char *text, size_t length, peer_columns *columns)
{
    return read_page<true>(peer, text, length, columns);
}
