/* discard URL PAGES: fetches pages 1 to PAGES with libcurl alone, one after the other over one connection, and throws
 * the bodies away. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static size_t discard(char *bytes, size_t size, size_t count, void *total)
{
    (void)bytes;
    *(size_t *)total += size * count;
    return size * count;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return EXIT_FAILURE;
    int pages = atoi(argv[2]);
    size_t total = 0;
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &total);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    clock_t begin = clock();
    for (int page = 1; page <= pages; page++) {
        char url[512];
        snprintf(url, sizeof url, "%s?number=%d", argv[1], page);
        curl_easy_setopt(easy, CURLOPT_URL, url);
        if (curl_easy_perform(easy) != CURLE_OK)
            return EXIT_FAILURE;
    }
    printf("%.9f %zu\n", (double)(clock() - begin) / CLOCKS_PER_SEC / pages, total);
    curl_easy_cleanup(easy);
    return EXIT_SUCCESS;
}
