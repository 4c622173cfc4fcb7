/* Civil dates as day numbers (days since 1970-01-01) and month numbers (12 * year + month - 1). Years 1 to 9999. */
#ifndef FINSEG_SANDBOX_DATE_H
#define FINSEG_SANDBOX_DATE_H

#include <stdbool.h>
#include <stddef.h>

/* Room for "YYYY-MM-DD" and its final zero. */
enum { SB_DATE_TEXT = 11 };

/* `month` is 1 to 12 and `day` 1 to 31; no check. */
int sb_date_day(int year, int month, int day);
/* All of `text` is YYYY-MM-DD and such a day exists. */
bool sb_date_parse(const char *text, size_t length, int *day);
/* The same for YYMMDD, all of the twentieth century. */
bool sb_date_parse_short(const char *text, size_t length, int *day);
void sb_date_format(int day, char text[SB_DATE_TEXT]);

int sb_date_month(int day);
int sb_date_first_day_of_month(int month);
int sb_date_days_in_month(int month);
/* 0 is Monday. */
int sb_date_weekday(int day);
/* The machine's local date. */
int sb_date_today(void);

#endif
