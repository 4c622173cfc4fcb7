#include "uuid.h"

static bool is_dash_place(size_t place)
{
    return place == 8 || place == 13 || place == 18 || place == 23;
}

/* 0 to 15; -1 for what is no lower-case hexadecimal digit. */
static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool fs_uuid_read(const char *text, struct fs_uuid *uuid)
{
    uint64_t high = 0;
    uint64_t low = 0;
    for (size_t i = 0; i < FS_UUID_TEXT; i++) {
        if (is_dash_place(i)) {
            if (text[i] != '-')
                return false;
            continue;
        }
        int digit = digit_of(text[i]);
        if (digit < 0)
            return false;
        high = high << 4 | low >> 60;
        low = low << 4 | (uint64_t)digit;
    }
    *uuid = (struct fs_uuid){high, low};
    return true;
}

void fs_uuid_write(const struct fs_uuid *uuid, char *text)
{
    uint64_t high = uuid->high;
    uint64_t low = uuid->low;
    for (size_t i = 0; i < FS_UUID_TEXT; i++) {
        if (is_dash_place(i)) {
            text[i] = '-';
            continue;
        }
        text[i] = "0123456789abcdef"[high >> 60];
        high = high << 4 | low >> 60;
        low <<= 4;
    }
}

void fs_uuid_bytes(const struct fs_uuid *uuid, unsigned char bytes[FS_UUID_BYTES])
{
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(uuid->high >> (56 - 8 * i));
        bytes[8 + i] = (unsigned char)(uuid->low >> (56 - 8 * i));
    }
}
