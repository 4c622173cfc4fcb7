#include "person.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/base/date.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    EURO = 100,                /* cents */
    LONGEST_MEMBERSHIP = 6000, /* days that an account may be older than the history */
    OVERDRAFT_RATE = 11,       /* per cent a year */
    SAVINGS_RATE = 2,
    IRREGULAR = 0,     /* as an interval */
    LONGEST_PAUSE = 5, /* months between irregular payments */
    YEARLY_DRIFT = 12, /* days */
    IRREGULAR_DRIFT = 20
};

/* ---- what people have and pay ---------------------------------------------------------------------------- */

static const char *const employers[] = {"Hansen Logistik GmbH", "Stadtverwaltung Lindau",  "Klinikum Nordstadt",
                                        "Bäckerei Vogt",        "Ostwind Maschinenbau AG", "Kranich Software SE",
                                        "Schulamt Region Süd",  "Hotel Seeblick"};
static const char *const pension_funds[] = {"Rentenkasse Bund", "Versorgungswerk Nord"};
static const char *const landlords[] = {"Wohnbau Genossenschaft", "Immobilien Reuter", "Hausverwaltung Lenz"};
static const char *const utilities[] = {"Stadtwerke Mitte", "Grünstrom eG", "Fernwärme Ost"};
static const char *const telephone[] = {"Telenetz", "Funkwelle Mobil"};
static const char *const insurers[] = {"Nordlicht Versicherung", "Albatros Leben AG", "Gilde Krankenkasse",
                                       "Rheinische Assekuranz", "Sicherhaus VVaG"};
static const char *const schools[] = {"Turnverein 1898", "Musikschule Takt", "Kita Löwenzahn"};
static const char *const grocers[] = {"Frischmarkt", "Kaufhalle am Ring", "Bioladen Rübe", "Discount 24"};
static const char *const amusements[] = {"Kino Astoria", "Gasthof Linde", "Reisebüro Fern", "Buchhandlung Satz"};

/* What returns: who has it, how often it is due, and how much of the monthly income it takes a month. */
struct custom {
    const char *label;
    const char *const *counterparts;
    size_t counterpart_count;
    int percent;      /* of the people */
    int intervals[4]; /* months, or IRREGULAR; one is chosen */
    int least;        /* per mille of the income */
    int most;
};

static const struct custom customs[] = {
    {"RENT", landlords, COUNT(landlords), 62, {1, 1, 1, 1}, 230, 380},
    {"HOUSEHOLD_ENERGY", utilities, COUNT(utilities), 90, {1, 1, 1, 3}, 25, 55},
    {"TELECOMMUNICATION", telephone, COUNT(telephone), 95, {1, 1, 1, 1}, 8, 25},
    {"INSURANCE_HEALTH", insurers, COUNT(insurers), 35, {1, 1, 1, 1}, 40, 120},
    {"INSURANCE_HEALTH_DENTAL", insurers, COUNT(insurers), 15, {1, 1, 3, 12}, 5, 15},
    {"INSURANCE_CAR", insurers, COUNT(insurers), 45, {1, 3, 6, 12}, 12, 40},
    {"INSURANCE_LIABILITY", insurers, COUNT(insurers), 50, {3, 6, 12, 12}, 2, 6},
    {"INSURANCE_LIFE", insurers, COUNT(insurers), 25, {1, 1, 3, 12}, 15, 60},
    {"INSURANCE_LEGAL", insurers, COUNT(insurers), 15, {3, 6, 6, 12}, 5, 12},
    {"INSURANCE", insurers, COUNT(insurers), 12, {1, 6, 12, IRREGULAR}, 5, 20},
    {"EDUCATION", schools, COUNT(schools), 20, {1, 1, 3, 12}, 8, 40},
};

/* Accounts beside the checking account, and what flows there from it by standing order. */
struct product {
    const char *type;
    const char *label; /* of the standing order */
    int percent;       /* of the people */
    int opening_least; /* the balance at the start, in months of income */
    int opening_most;
    int least; /* the order, per mille of the income */
    int most;
};

static const struct product products[] = {
    {"SAVINGS", "SAVINGS", 60, 0, 8, 10, 120},
    {"CREDIT_CARD", NULL, 30, 0, 0, 0, 0},
    {"SECURITY", "INVESTMENTS_FUNDS", 15, 0, 20, 10, 100},
    {"LOAN", "LOAN", 12, -24, -2, 60, 140},
    {"BAUSPAREN", "INVESTMENTS_BUILDING_SAVINGS", 8, 0, 5, 10, 30},
    {"MEMBERSHIP", NULL, 3, 0, 1, 0, 0},
};

/* ---- booking --------------------------------------------------------------------------------------------- */

static struct sb_person_account *checking(struct sb_person *person)
{
    return &person->accounts[0];
}

static void book(struct sb_person *person, struct sb_person_account *account,
                 const struct sb_person_transaction *transaction)
{
    if (transaction->amount == 0)
        return;
    if (account->count == account->capacity) {
        size_t capacity = account->capacity ? account->capacity * 2 : 64;
        void *grown = realloc(account->transactions, capacity * sizeof *transaction);
        if (!grown) {
            person->out_of_memory = true;
            return;
        }
        account->transactions = grown;
        account->capacity = capacity;
    }
    account->transactions[account->count++] = *transaction;
    account->balance += transaction->amount;
}

/* From the checking account to another of the person's own. */
static void transfer(struct sb_person *person, size_t to, int day, int64_t amount, const char *label)
{
    struct sb_person_transaction out = {day, -amount, label, NULL};
    struct sb_person_transaction in = {day, amount, label, NULL};
    book(person, checking(person), &out);
    book(person, &person->accounts[to], &in);
}

/* ---- the beginning --------------------------------------------------------------------------------------- */

static const char *choose(struct sb_prng *prng, const char *const *names, size_t count)
{
    return names[sb_prng_between(prng, 0, (int64_t)count - 1)];
}

static int64_t per_mille_of(int64_t income, struct sb_prng *prng, int least, int most)
{
    return income * sb_prng_between(prng, least, most) / 1000;
}

static void choose_income(struct sb_person *person)
{
    struct sb_prng *prng = person->prng;
    int kind = (int)sb_prng_between(prng, 1, 100);
    if (kind <= 70) {
        person->income_label = "SALARY";
        person->income_source = choose(prng, employers, COUNT(employers));
        person->income = sb_prng_between(prng, 1500 * EURO, 3500 * EURO);
        if (sb_prng_chance(prng, 20))
            person->income += sb_prng_between(prng, 500 * EURO, 4500 * EURO);
        person->income_day = (int)sb_prng_between(prng, 24, 28);
    } else if (kind <= 92) {
        person->income_label = "PENSION";
        person->income_source = choose(prng, pension_funds, COUNT(pension_funds));
        person->income = sb_prng_between(prng, 900 * EURO, 2400 * EURO);
        person->income_day = 28;
    } else {
        person->income_label = "FREELANCE_INCOME";
        person->income_source = NULL;
        person->income = sb_prng_between(prng, 800 * EURO, 5500 * EURO);
        person->income_day = (int)sb_prng_between(prng, 1, 28);
    }
    int temper = (int)sb_prng_between(prng, 1, 100);
    person->appetite = temper <= 25 ? 65 : temper <= 80 ? 95 : 150;
    person->overdraft = person->income * sb_prng_between(prng, 5, 25) / 10;
}

/* Opens an account with what it holds when the history begins. */
static size_t open_account(struct sb_person *person, const char *type, int opened, int first_day, int64_t balance)
{
    struct sb_person_account *account = &person->accounts[person->account_count];
    account->type = type;
    account->opened = opened;
    account->balance = 0;
    account->count = 0;
    struct sb_person_transaction carried = {opened > first_day ? opened : first_day, balance, NULL, NULL};
    book(person, account, &carried);
    return person->account_count++;
}

static void open_checking(struct sb_person *person, int first_day, int last_day)
{
    struct sb_prng *prng = person->prng;
    int opened = first_day - (int)sb_prng_between(prng, 1, LONGEST_MEMBERSHIP);
    if (sb_prng_chance(prng, 8) && last_day > first_day)
        opened = (int)sb_prng_between(prng, first_day, last_day);
    int64_t balance;
    if (opened >= first_day)
        balance = sb_prng_between(prng, 10 * EURO, 900 * EURO);
    else if (person->appetite > 100)
        balance = per_mille_of(person->income, prng, -900, 700);
    else
        balance = per_mille_of(person->income, prng, 100, person->appetite < 90 ? 6000 : 2200);
    open_account(person, "CHECKING", opened, first_day, balance);
}

static void find_due_day(struct sb_person *person, struct sb_person_order *order)
{
    order->due = sb_date_first_day_of_month(order->month) + order->day_of_month - 1;
    if (order->drift > 0)
        order->due -= (int)sb_prng_between(person->prng, 0, order->drift);
}

static void plan_next_payment(struct sb_person *person, struct sb_person_order *order)
{
    order->month +=
        order->interval == IRREGULAR ? (int)sb_prng_between(person->prng, 1, LONGEST_PAUSE) : order->interval;
    find_due_day(person, order);
}

static void add_order(struct sb_person *person, const struct sb_person_order *order)
{
    if (person->order_count == SB_PERSON_ORDERS)
        return;
    struct sb_person_order *added = &person->orders[person->order_count++];
    *added = *order;
    find_due_day(person, added);
}

static void open_products(struct sb_person *person, int first_day, int last_day)
{
    struct sb_prng *prng = person->prng;
    for (size_t i = 0; i < COUNT(products); i++) {
        const struct product *product = &products[i];
        if (!sb_prng_chance(prng, product->percent))
            continue;
        int opened = checking(person)->opened + (int)sb_prng_between(prng, 0, 700);
        opened = opened < last_day ? opened : last_day;
        int64_t balance =
            per_mille_of(person->income, prng, product->opening_least * 1000, product->opening_most * 1000);
        size_t account = open_account(person, product->type, opened, first_day, balance);
        if (strcmp(product->type, "CREDIT_CARD") == 0)
            person->card = account;
        if (!product->label)
            continue;
        struct sb_person_order order = {
            .label = product->label,
            .amount = per_mille_of(person->income, prng, product->least, product->most),
            .interval = 1,
            .month = sb_date_month(first_day),
            .day_of_month = (int)sb_prng_between(prng, 1, 5),
            .account = account,
        };
        add_order(person, &order);
    }
}

/* What an interval means for the order. A yearly premium is collected on a day around its due day. */
static void set_rhythm(struct sb_person *person, struct sb_person_order *order, int interval, int first_month)
{
    int months = interval == IRREGULAR ? LONGEST_PAUSE : interval;
    order->interval = interval;
    order->amount *= interval == IRREGULAR ? LONGEST_PAUSE / 2 : interval;
    order->month = first_month + (int)sb_prng_between(person->prng, 0, months - 1);
    order->day_of_month = (int)sb_prng_between(person->prng, 1, 15);
    if (interval == IRREGULAR)
        order->drift = IRREGULAR_DRIFT;
    else if (interval == 12)
        order->drift = YEARLY_DRIFT;
}

static void choose_orders(struct sb_person *person, int first_day, int last_day)
{
    struct sb_prng *prng = person->prng;
    for (size_t i = 0; i < COUNT(customs); i++) {
        const struct custom *custom = &customs[i];
        if (!sb_prng_chance(prng, custom->percent))
            continue;
        int interval = custom->intervals[sb_prng_between(prng, 0, 3)];
        struct sb_person_order order = {
            .label = custom->label,
            .counterpart = choose(prng, custom->counterparts, custom->counterpart_count),
            .amount = per_mille_of(person->income, prng, custom->least, custom->most),
        };
        if (custom->counterparts == insurers && sb_prng_chance(prng, 15))
            order.refund = (int)sb_prng_between(prng, first_day, last_day);
        set_rhythm(person, &order, interval, sb_date_month(first_day));
        add_order(person, &order);
    }
}

/* ---- the days -------------------------------------------------------------------------------------------- */

static void earn(struct sb_person *person, int day, int month)
{
    int64_t amount = person->income;
    if (!person->income_source) /* a freelancer's month */
        amount = per_mille_of(amount, person->prng, 300, 1700);
    struct sb_person_transaction income = {day, amount, person->income_label, person->income_source};
    book(person, checking(person), &income);
    if (strcmp(person->income_label, "SALARY") == 0 && month % 12 == 10) {
        struct sb_person_transaction bonus = {day, amount / 2, "SALARY_BONUS", person->income_source};
        book(person, checking(person), &bonus);
    }
}

static void pay_order(struct sb_person *person, const struct sb_person_order *order, int day)
{
    if (order->account == 0) {
        struct sb_person_transaction payment = {day, -order->amount, order->label, order->counterpart};
        book(person, checking(person), &payment);
        return;
    }
    struct sb_person_account *own = &person->accounts[order->account];
    bool loan_is_paid = strcmp(own->type, "LOAN") == 0 && own->balance + order->amount > 0;
    if (day >= own->opened && !loan_is_paid && checking(person)->balance > order->amount - person->overdraft)
        transfer(person, order->account, day, order->amount, order->label);
}

/* What was due before the account was there is passed over. */
static void pay_orders(struct sb_person *person, int day)
{
    for (size_t i = 0; i < person->order_count; i++) {
        struct sb_person_order *order = &person->orders[i];
        while (order->due < day)
            plan_next_payment(person, order);
        if (order->due == day)
            pay_order(person, order, day);
        if (order->refund == day) {
            int64_t part = per_mille_of(order->amount, person->prng, 100, 600);
            struct sb_person_transaction refund = {day, part, order->label, order->counterpart};
            book(person, checking(person), &refund);
        }
    }
}

/* A purchase happens when the overdraft allows it; it goes to the card when `by_card` and there is one. */
static void buy(struct sb_person *person, int day, const char *label, const char *counterpart, int64_t amount,
                bool by_card)
{
    amount = amount * person->appetite / 100;
    if (checking(person)->balance - amount < -person->overdraft)
        return;
    bool card = by_card && person->card != 0 && person->accounts[person->card].opened <= day;
    struct sb_person_transaction purchase = {day, -amount, label, counterpart};
    book(person, card ? &person->accounts[person->card] : checking(person), &purchase);
}

static void go_shopping(struct sb_person *person, int day)
{
    struct sb_prng *prng = person->prng;
    bool weekend = sb_date_weekday(day) >= 5;
    if (sb_prng_chance(prng, weekend ? 35 : 18)) {
        const char *grocer = choose(prng, grocers, COUNT(grocers));
        buy(person, day, "GROCERIES", grocer, per_mille_of(person->income, prng, 8, 45), false);
    }
    if (sb_prng_chance(prng, weekend ? 18 : 5)) {
        const char *amusement = choose(prng, amusements, COUNT(amusements));
        buy(person, day, "LEISURE", amusement, per_mille_of(person->income, prng, 8, 90), true);
    }
    if (sb_prng_chance(prng, 6))
        buy(person, day, "CASH", NULL, sb_prng_between(prng, 2, 30) * 10 * EURO, false);
}

static void settle_card(struct sb_person *person, int day)
{
    if (person->card != 0 && person->accounts[person->card].balance < 0)
        transfer(person, person->card, day, -person->accounts[person->card].balance, "CREDIT_CARD_SETTLEMENT");
}

/* Interest comes on the last day of a quarter. */
static void close_quarter(struct sb_person *person, int day)
{
    struct sb_person_transaction penalty = {day, -(person->overdrawn * OVERDRAFT_RATE / 36500), "OVERDRAFT_INTEREST",
                                            NULL};
    book(person, checking(person), &penalty);
    person->overdrawn = 0;
    for (size_t i = 1; i < person->account_count; i++) {
        struct sb_person_account *account = &person->accounts[i];
        struct sb_person_transaction interest = {day, account->balance * SAVINGS_RATE / 400, "INTEREST", NULL};
        if (strcmp(account->type, "SAVINGS") == 0 && account->opened <= day)
            book(person, account, &interest);
    }
}

static void live_day(struct sb_person *person, int day, int month, int day_of_month, bool last_of_month)
{
    if (day_of_month == person->income_day)
        earn(person, day, month);
    pay_orders(person, day);
    if (day_of_month == 20)
        settle_card(person, day);
    go_shopping(person, day);
    if (checking(person)->balance < 0)
        person->overdrawn -= checking(person)->balance;
    if (last_of_month && month % 3 == 2)
        close_quarter(person, day);
}

static void live_month(struct sb_person *person, int month, int reference_date)
{
    int first_day = sb_date_first_day_of_month(month);
    int days = sb_date_days_in_month(month);
    for (int i = 0; i < days && first_day + i < reference_date; i++) {
        if (first_day + i >= checking(person)->opened)
            live_day(person, first_day + i, month, i + 1, i + 1 == days);
    }
}

/* Keeps the accounts' memory. */
static void begin(struct sb_person *person, struct sb_prng *prng)
{
    person->prng = prng;
    person->account_count = 0;
    person->card = 0;
    person->order_count = 0;
    person->overdrawn = 0;
}

bool sb_person_live(struct sb_person *person, struct sb_prng *prng, int reference_date)
{
    int this_month = sb_date_month(reference_date);
    int first_day = sb_date_first_day_of_month(this_month - SB_PERSON_MONTHS);
    begin(person, prng);
    choose_income(person);
    open_checking(person, first_day, reference_date - 1);
    open_products(person, first_day, reference_date - 1);
    choose_orders(person, first_day, reference_date - 1);
    for (int month = this_month - SB_PERSON_MONTHS; month <= this_month; month++)
        live_month(person, month, reference_date);
    return !person->out_of_memory;
}

void sb_person_free(struct sb_person *person)
{
    for (size_t i = 0; i < SB_PERSON_ACCOUNTS; i++)
        free(person->accounts[i].transactions);
    *person = (struct sb_person){0};
}
