/*
 * The money of one made-up person, day by day: income, standing orders, purchases, savings, overdrafts. Amounts are
 * cents.
 */
#ifndef FINSEG_SANDBOX_PERSON_H
#define FINSEG_SANDBOX_PERSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/base/prng.h"

enum { SB_PERSON_ACCOUNTS = 8, SB_PERSON_ORDERS = 16, SB_PERSON_MONTHS = 13 };

struct sb_person_transaction {
    int day;
    int64_t amount;
    const char *label; /* static text, as is the counterpart; both may be NULL */
    const char *counterpart;
};

struct sb_person_account {
    const char *type;
    int opened;
    int64_t balance;
    struct sb_person_transaction *transactions; /* ordered by day */
    size_t count;
    size_t capacity;
};

/* A payment that returns. */
struct sb_person_order {
    const char *label;
    const char *counterpart;
    int64_t amount;   /* positive */
    int interval;     /* months; 0: irregular */
    int month;        /* the month number that the next payment is for */
    int day_of_month; /* that it should be paid on */
    int drift;        /* days that it may be paid before */
    int due;          /* the day of the next payment */
    int refund;       /* the day that the other side pays a part back; 0: none */
    size_t account;   /* where the money goes, when that is one of the person's own accounts; else 0 */
};

struct sb_person {
    struct sb_prng *prng;
    struct sb_person_account accounts[SB_PERSON_ACCOUNTS]; /* the first is the CHECKING account */
    size_t account_count;
    size_t card; /* the CREDIT_CARD account, 0 when there is none */
    struct sb_person_order orders[SB_PERSON_ORDERS];
    size_t order_count;
    const char *income_label;
    const char *income_source;
    int64_t income; /* a month */
    int income_day;
    int64_t overdraft; /* how far below zero the checking account may go by purchases */
    int appetite;      /* per cent: what purchases cost, compared with others of this income */
    int64_t overdrawn; /* the sum of negative closing balances of this quarter, positive */
    bool out_of_memory;
};

/*
 * Lives until the day before the reference date. Zero-initialise the person before the first use; its memory serves the
 * next.
 */
bool sb_person_live(struct sb_person *person, struct sb_prng *prng, int reference_date);
void sb_person_free(struct sb_person *person);

#endif
