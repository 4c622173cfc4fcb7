/*
 * Any text as the parameters of each kind, and as the definition of a kind: a body that is made is a JSON object, and
 * makes the same body again; a kind that is taken can be found, copied and asked with.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/canonical.h"
#include "protocol/kind.h"
#include "protocol/request.h"
#include "value/json.h"
#include "value/text.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_refusal(finseg_error *error, finseg_error_kind kind)
{
    require(error && finseg_error_get_kind(error) == kind);
    const char *message = finseg_error_message(error);
    require(fs_text_is_utf8(message, strlen(message)));
    for (const char *c = message; *c; c++)
        require((unsigned char)*c >= 0x20 && *c != 0x7F);
    finseg_error_free(error);
}

/* NULL when the parameters are refused. */
static char *body_of(const finseg_kind *kind, const char *text, finseg_error **error)
{
    struct fs_request request;
    if (fs_request_read(&request, kind, text, error) != 0)
        return NULL;
    char *body = fs_request_body(&request);
    char *url;
    require(body && fs_request_callback_url(&request, &url));
    free(url);
    fs_request_free(&request);
    return body;
}

static void check_canonical(const finseg_kind *kind, const char *text)
{
    char *canonical = fs_canonical_parameters(kind, text, NULL);
    require(canonical && fs_json_check(canonical, strlen(canonical), NULL, NULL));
    free(canonical);
}

static void check_parameters(const finseg_kind *kind, const char *text)
{
    finseg_error *error = NULL;
    char *body = body_of(kind, text, &error);
    if (!body) {
        check_refusal(error, FINSEG_ERROR_INVALID);
        return;
    }
    require(!error && body[0] == '{' && fs_json_check(text, strlen(text), NULL, NULL));
    require(fs_json_check(body, strlen(body), NULL, NULL));
    char *again = body_of(kind, body, NULL);
    require(again && strcmp(body, again) == 0);
    check_canonical(kind, text);
    free(body);
    free(again);
}

static void check_definition(const char *text)
{
    struct fs_kind_list added = {0};
    struct fs_kind_list copy;
    finseg_error *error = NULL;
    if (fs_kind_add(&added, "mine", text, &error) != 0) {
        require(added.count == 0);
        check_refusal(error, FINSEG_ERROR_CONFIG);
        return;
    }
    require(fs_kind_add(&added, "mine", text, NULL) == 0 && added.count == 1);
    require(fs_kind_list_copy(&copy, &added));
    fs_kind_list_free(&added);
    const finseg_kind *kind = fs_kind_find(&copy, "mine", NULL);
    require(kind && *kind->path);
    for (size_t i = 0; i < kind->parameter_count; i++)
        require(fs_kind_parameter(kind, kind->parameters[i].name) != NULL);
    check_parameters(kind, "{}");
    check_parameters(kind, text);
    fs_kind_list_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {"highBalance", "lowBalance", "insuranceSpending", "financialBreakdown"};
    static const struct fs_kind_list none = {0};
    char *text = fs_text_copy(size > 0 ? (const char *)data : "", size);
    require(text != NULL);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        check_parameters(fs_kind_find(&none, kinds[i], NULL), text);
    check_definition(text);
    free(text);
    return 0;
}
