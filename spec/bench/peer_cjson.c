#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "peers.h"

static void read_account(const cJSON *account, struct peer_columns *columns)
{
    struct peer_amount amount = {0};
    for (const cJSON *member = account->child; member; member = member->next) {
        if (strcmp(member->string, "amount") == 0) {
            amount.amount = llround(member->valuedouble * 10000);
        } else if (strcmp(member->string, "accountId") == 0) {
            amount.account = member->valuestring;
            amount.account_length = (uint32_t)strlen(member->valuestring);
        }
    }
    columns->amounts[columns->amount_count++] = amount;
}

static void read_user(const cJSON *object, struct peer_columns *columns)
{
    struct peer_user user = {.first_amount = (uint32_t)columns->amount_count};
    for (const cJSON *member = object->child; member; member = member->next) {
        if (strcmp(member->string, "userId") == 0) {
            user.id = member->valuestring;
            user.id_length = (uint32_t)strlen(member->valuestring);
        } else if (strcmp(member->string, "accounts") == 0) {
            for (const cJSON *account = member->child; account; account = account->next)
                read_account(account, columns);
        }
    }
    columns->users[columns->user_count++] = user;
}

bool peer_cjson_read(const char *text, size_t length, struct peer_columns *columns)
{
    columns->user_count = 0;
    columns->amount_count = 0;
    cJSON *page = cJSON_ParseWithLength(text, length);
    if (!page)
        return false;
    for (const cJSON *user = cJSON_GetObjectItemCaseSensitive(page, "users")->child; user; user = user->next)
        read_user(user, columns);
    cJSON_Delete(page);
    return true;
}
