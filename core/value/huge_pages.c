#include "huge_pages.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_large(size_t size)
{
    enum { LARGE = 4 * 1024 * 1024 };
    return size >= LARGE;
}

void fs_huge_pages_prefer(void *memory, size_t size)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t start = ((uintptr_t)memory + page - 1) & ~(page - 1);
    const uintptr_t end = ((uintptr_t)memory + size) & ~(page - 1);
    if (is_large(size))
        madvise((char *)memory + (start - (uintptr_t)memory), end - start, MADV_HUGEPAGE);
}

static void *allocate(size_t size)
{
    if (!is_large(size))
        return malloc(size);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    fs_huge_pages_prefer(memory, size);
    return memory;
}

void fs_huge_pages_free(void *memory, size_t size)
{
    if (is_large(size))
        munmap(memory, size);
    else
        free(memory);
}

void *fs_huge_pages_resize(void *memory, size_t old_size, size_t size)
{
    if (is_large(old_size) && is_large(size)) {
        void *moved = mremap(memory, old_size, size, MREMAP_MAYMOVE);
        return moved == MAP_FAILED ? NULL : moved;
    }
    if (!is_large(old_size) && !is_large(size))
        return realloc(memory, size);
    void *moved = allocate(size);
    if (!moved)
        return NULL;
    if (old_size > 0)
        memcpy(moved, memory, old_size < size ? old_size : size);
    fs_huge_pages_free(memory, old_size);
    return moved;
}
