/* discard URL PAGES: fetches pages 1 to PAGES with libcurl alone, one after the other over one connection, and throws
 * the bodies away. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl says how it looks */
static size_t discard(char *bytes, size_t size, size_t count, void *total)
{
    (void)bytes;
    *(size_t *)total += size * count;
    return size * count;
}

static int fetch(CURL *easy, const char *base_url, long pages)
{
    for (long page = 1; page <= pages; page++) {
        char url[512];
        snprintf(url, sizeof url, "%s?number=%ld", base_url, page);
        curl_easy_setopt(easy, CURLOPT_URL, url);
        if (curl_easy_perform(easy) != CURLE_OK)
            return -1;
    }
    return 0;
}

int main(int count, char **arguments)
{
    const long pages = count == 3 ? strtol(arguments[2], NULL, 10) : 0;
    CURL *easy = pages > 0 ? curl_easy_init() : NULL;
    if (!easy)
        return EXIT_FAILURE;
    size_t total = 0;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &total);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    clock_t begin = clock();
    int failed = fetch(easy, arguments[1], pages);
    if (!failed)
        printf("%.9f %zu\n", (double)(clock() - begin) / CLOCKS_PER_SEC / (double)pages, total);
    curl_easy_cleanup(easy);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
