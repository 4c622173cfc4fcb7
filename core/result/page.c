#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "page_index.h"

void finseg_page_free(finseg_page *page)
{
    if (!page)
        return;
    fs_page_drop_text(page);
    free(page->users);
    free(page->uuids);
    free(page->amounts);
    fs_buffer_free(&page->unescaped);
    free(page);
}

static finseg_slice slice_of_text(const finseg_page *page, uint32_t start, uint32_t length)
{
    return (finseg_slice){page->text + start, length};
}

static finseg_slice slice_of_id(const finseg_page *page, struct fs_page_id id)
{
    const char *bytes = id.was_escaped ? page->unescaped.data : page->text;
    return (finseg_slice){bytes + id.start, id.length};
}

finseg_slice finseg_page_text(const finseg_page *page)
{
    return (finseg_slice){page->text, page->length};
}

finseg_slice finseg_page_users_text(const finseg_page *page)
{
    return slice_of_text(page, page->users_start, page->users_length);
}

size_t finseg_page_user_count(const finseg_page *page)
{
    return page->user_count;
}

int64_t finseg_page_total_elements(const finseg_page *page)
{
    return page->total_elements;
}

finseg_slice finseg_page_user(const finseg_page *page, size_t index)
{
    return slice_of_text(page, page->users[index].start, page->users[index].length);
}

finseg_slice finseg_page_user_id(const finseg_page *page, size_t index)
{
    return slice_of_id(page, page->users[index].id);
}

bool finseg_page_user_uuid(const finseg_page *page, size_t index, unsigned char bytes[FS_UUID_BYTES])
{
    if (page->users[index].has_uuid)
        fs_uuid_bytes(&page->uuids[index], bytes);
    return page->users[index].has_uuid;
}

size_t finseg_page_user_amounts(const finseg_page *page, size_t index, size_t *first)
{
    *first = page->users[index].first_amount;
    size_t end = index + 1 < page->user_count ? page->users[index + 1].first_amount : page->amount_count;
    return end - *first;
}

size_t finseg_page_amount_count(const finseg_page *page)
{
    return page->amount_count;
}

bool finseg_page_amount(const finseg_page *page, size_t index, int64_t *amount)
{
    if (!page->amounts[index].fits)
        return false;
    *amount = page->amounts[index].scaled;
    return true;
}

finseg_slice finseg_page_amount_text(const finseg_page *page, size_t index)
{
    return slice_of_text(page, page->amounts[index].start, page->amounts[index].length);
}

finseg_slice finseg_page_amount_account(const finseg_page *page, size_t index)
{
    return slice_of_id(page, page->amounts[index].account);
}

/* Mixes eight bytes into the hash; a different word, or a different hash, always gives a different result. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 32);
}

/* The length goes in as well, so that "ab","c" and "a","bc" differ. */
static uint64_t hash_text(finseg_slice bytes)
{
    uint64_t hash = mix(0, bytes.length);
    for (size_t done = 0; done < bytes.length; done += sizeof(uint64_t)) {
        size_t left = bytes.length - done;
        uint64_t word = 0;
        memcpy(&word, bytes.data + done, left < sizeof word ? left : sizeof word);
        hash = mix(hash, word);
    }
    return hash;
}

/* Each id has a hash of its own, so that the processor can work at several. */
uint64_t fs_page_hash(const finseg_page *page)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < page->user_count; i++) {
        uint64_t id = page->users[i].has_uuid ? mix(mix(0, page->uuids[i].high), page->uuids[i].low)
                                              : hash_text(finseg_page_user_id(page, i));
        hash = mix(hash, id);
    }
    return mix(hash, 0);
}
