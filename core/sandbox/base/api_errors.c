#include "api_errors.h"

#include <stdarg.h>
#include <string.h>

#include "value/json.h"

void sb_api_errors_add(struct sb_api_errors *errors, const char *code, const char *format, ...)
{
    struct fs_buffer message = {0};
    va_list arguments;
    va_start(arguments, format);
    fs_buffer_vprintf(&message, format, arguments);
    va_end(arguments);

    struct fs_buffer *out = &errors->members;
    if (out->length > 0)
        fs_buffer_append_char(out, ',');
    fs_buffer_append_text(out, "{\"message\":");
    fs_json_append_string(out, message.data ? message.data : "", message.length);
    bool technical = strcmp(code, SB_CODE_UNEXPECTED_ERROR) == 0 || strcmp(code, SB_CODE_SERVICE_UNAVAILABLE) == 0;
    const char *type = technical ? "TECHNICAL" : "BUSINESS";
    fs_buffer_printf(out, ",\"code\":\"%s\",\"type\":\"%s\"}", code, type);
    fs_buffer_free(&message);
}

void sb_api_errors_free(struct sb_api_errors *errors)
{
    fs_buffer_free(&errors->members);
}
