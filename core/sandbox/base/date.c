#include "date.h"

#include <stdio.h>
#include <time.h>

/* Both conversions count in years that start in March, so that the leap day comes last, and in eras of 400 years. */
enum { DAYS_PER_ERA = 146097, DAYS_FROM_ERA_0_TO_1970 = 719468, DAYS_PER_WEEK = 7, WEEKDAY_OF_1970 = 3 };

int sb_date_day(int year, int month, int day)
{
    int shifted_year = year - (month <= 2);
    int era = shifted_year / 400;
    int year_of_era = shifted_year - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_FROM_ERA_0_TO_1970;
}

static void civil_from_day(int number, int *year, int *month, int *day)
{
    int shifted = number + DAYS_FROM_ERA_0_TO_1970;
    int era = shifted / DAYS_PER_ERA;
    int day_of_era = shifted - era * DAYS_PER_ERA;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    *month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* Digits only, as many as asked; -1 when something else stands there. */
static int digits(const char *text, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static bool day_if_it_exists(int year, int month, int day, int *number)
{
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    if (day > sb_date_days_in_month(year * 12 + month - 1))
        return false;
    *number = sb_date_day(year, month, day);
    return true;
}

bool sb_date_parse(const char *text, size_t length, int *day)
{
    if (length != SB_DATE_TEXT - 1 || text[4] != '-' || text[7] != '-')
        return false;
    return day_if_it_exists(digits(text, 4), digits(text + 5, 2), digits(text + 8, 2), day);
}

bool sb_date_parse_short(const char *text, size_t length, int *day)
{
    if (length != 6 || digits(text, 6) < 0)
        return false;
    return day_if_it_exists(1900 + digits(text, 2), digits(text + 2, 2), digits(text + 4, 2), day);
}

void sb_date_format(int day, char text[SB_DATE_TEXT])
{
    int year;
    int month;
    int day_of_month;
    civil_from_day(day, &year, &month, &day_of_month);
    snprintf(text, SB_DATE_TEXT, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100,
             (unsigned)day_of_month % 100);
}

int sb_date_month(int day)
{
    int year;
    int month;
    int day_of_month;
    civil_from_day(day, &year, &month, &day_of_month);
    return year * 12 + month - 1;
}

int sb_date_first_day_of_month(int month)
{
    return sb_date_day(month / 12, month % 12 + 1, 1);
}

int sb_date_days_in_month(int month)
{
    return sb_date_first_day_of_month(month + 1) - sb_date_first_day_of_month(month);
}

int sb_date_weekday(int day)
{
    int weekday = (day + WEEKDAY_OF_1970) % DAYS_PER_WEEK;
    return weekday < 0 ? weekday + DAYS_PER_WEEK : weekday;
}

int sb_date_today(void)
{
    time_t now = time(NULL);
    struct tm local = {0};
    localtime_r(&now, &local);
    return sb_date_day(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
}
