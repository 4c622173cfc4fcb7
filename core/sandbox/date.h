/* Civil dates as day numbers (days since 1970-01-01) and month numbers (12 * year + month - 1). Years 1 to 9999. */
#ifndef FINSEG_SANDBOX_DATE_H
#define FINSEG_SANDBOX_DATE_H

#include <stdbool.h>
#include <stddef.h>

/* Room for "YYYY-MM-DD" and its final zero. */
enum { FS_DATE_TEXT = 11 };

/* `month` is 1 to 12 and `day` 1 to 31; no check. */
int fs_date_day(int year, int month, int day);
/* All of `text` is YYYY-MM-DD and such a day exists. */
bool fs_date_parse(const char *text, size_t length, int *day);
/* The same for YYMMDD, all of the twentieth century. */
bool fs_date_parse_short(const char *text, size_t length, int *day);
void fs_date_format(int day, char text[FS_DATE_TEXT]);

int fs_date_month(int day);
int fs_date_first_day_of_month(int month);
int fs_date_days_in_month(int month);
/* 0 is Monday. */
int fs_date_weekday(int day);
/* The machine's local date. */
int fs_date_today(void);

#endif
