/*
** series(start, stop, step) lists the integers from start to stop, as SQLite's generate_series does
** (https://www.sqlite.org/series.html). It handles WHERE on value, ORDER BY value, LIMIT and OFFSET without making rows
** that are not needed.
*/
#include <math.h>
#include "table.h"

enum { ROWID = -1, VALUE, START, STOP, STEP, COLUMNS };

/* The bits of a plan's number: the arguments, in this order, and other properties of the query. */
enum {
  HAS_START = 1, HAS_STOP = 2, HAS_STEP = 4, HAS_LIMIT = 8, HAS_OFFSET = 16,
  VALUE_EQ = 0x20, VALUE_GE = 0x40, VALUE_GT = 0x80, LOWER = VALUE_EQ | VALUE_GE | VALUE_GT,
  VALUE_LE = 0x100, VALUE_LT = 0x200, UPPER = VALUE_LE | VALUE_LT,
  DESCENDING = 0x400, ASCENDING = 0x800,
  USES_START = 0x1000, /* this and the two bits above it: the columns start, stop and step are used */
};
enum { SLOT_LIMIT = 3, SLOT_OFFSET, SLOT_LOWER, SLOT_UPPER, SLOTS };

/* A scan. Steps are unsigned, because a step may be 2^63. */
typedef struct {
  bool done, descending;
  int32_t number;
  int64_t given[3];        /* start, stop and step as the columns show them */
  int64_t value, last;
  uint64_t step;
} Cursor;

static void clear(Cursor *cursor) { (void)cursor; }

#define TABLE_NAME "series"
#define TABLE_DECLARATION "CREATE TABLE x(value, start HIDDEN, stop HIDDEN, step HIDDEN)"
#include "table-function.h"

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  WORLD(string_dup)(&ret->name, "series");
  WORLD(string_dup)(&ret->version, "1.0.0");
}

/* ---- Plans ---------------------------------------------------------------------------------------- */

bool VT(best_index)(uint32_t table, Query *query, OptionalPlan *ret, Error *err) {
  (void)table;
  size_t count = query->constraints.len;
  int slots[SLOTS], number = 0, unusable = 0;
  bool started = false, reversed = false, ordered = false;
  for (int i = 0; i < SLOTS; i++) slots[i] = -1;
  for (size_t i = 0; i < count; i++) {
    const Constraint *c = &query->constraints.ptr[i];
    if (c->op == LIMIT || c->op == OFFSET) {
      if (!c->usable) continue;
      slots[c->op == LIMIT ? SLOT_LIMIT : SLOT_OFFSET] = i;
      number |= c->op == LIMIT ? HAS_LIMIT : HAS_OFFSET;
    } else if (c->column <= VALUE) {
      if (!c->usable) continue;
      bool equal = c->op == EQ || c->op == IS, lower = c->op == GE || c->op == GT;
      if (!equal && !lower && c->op != LE && c->op != LT) continue;
      if (equal || lower) started = true;
      if (equal) {
        number = (number & ~(LOWER | UPPER)) | VALUE_EQ;
        slots[SLOT_LOWER] = i;
        slots[SLOT_UPPER] = -1;
      } else if (number & VALUE_EQ) {
        continue;
      } else if (lower) {
        number = (number & ~LOWER) | (c->op == GE ? VALUE_GE : VALUE_GT);
        slots[SLOT_LOWER] = i;
      } else {
        number = (number & ~UPPER) | (c->op == LE ? VALUE_LE : VALUE_LT);
        slots[SLOT_UPPER] = i;
      }
    } else {
      int bit = 1 << (c->column - START);
      if (c->column == START && c->op == EQ) started = true;
      if (!c->usable) unusable |= bit;
      else if (c->op == EQ) number |= bit, slots[c->column - START] = i;
    }
  }
  if (!(number & HAS_LIMIT)) number &= ~HAS_OFFSET, slots[SLOT_OFFSET] = -1;
  if (query->order_by.len > 0 && query->order_by.ptr[0].column == VALUE) {
    ordered = true;
    reversed = query->order_by.ptr[0].descending;
  }
  number |= (int)(query->columns_used >> START & 7) * USES_START;
  if (!started) {
    VT(index_query_free)(query);
    return fail(err, SQLITE_ERROR, "first argument to \"series()\" missing or unusable");
  }
  Plan *plan = begin_plan(query, ret);
  VT(index_query_free)(query);
  if (unusable & ~number) {
    no_plan(ret); /* start, stop and step are inputs */
    return true;
  }
  uint32_t arguments = 0;
  for (int i = 0; i < SLOTS; i++) if (slots[i] >= 0) pass(plan, slots[i], ++arguments);
  plan->cost = 5e98;
  plan->rows = 2147483647;
  if ((number & (HAS_START | HAS_STOP)) == (HAS_START | HAS_STOP)) {
    plan->cost = number & HAS_STEP ? 1 : 2;
    plan->rows = 1000;
    plan->ordered = ordered;
    if (ordered) number |= reversed ? DESCENDING : ASCENDING;
  } else if ((number & (HAS_START | HAS_LIMIT)) == (HAS_START | HAS_LIMIT)) {
    plan->rows = 2500;
  }
  plan->number = number;
  return true;
}

/* ---- Arguments, converted as sqlite3_value_int64 and sqlite3_value_numeric_type do ------------------ */

static bool space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool digit(uint8_t c) { return c >= '0' && c <= '9'; }

static int64_t truncated(double x) {
  if (x <= -9223372036854775808.0) return INT64_MIN;
  if (x >= 9223372036854775807.0) return INT64_MAX;
  return (int64_t)x;
}

/* Returns the integer at the start of a text. *fits is set if the integer needs no rounding. */
static int64_t leading(const uint8_t *at, const uint8_t *end, bool *fits) {
  while (at < end && space(*at)) at++;
  bool minus = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  uint64_t n = 0, most = (uint64_t)INT64_MAX + minus;
  *fits = true;
  for (; at < end && digit(*at); at++) {
    uint64_t d = *at - '0';
    if (n > (most - d) / 10) *fits = false;
    if (*fits) n = n * 10 + d;
  }
  if (!*fits) return minus ? INT64_MIN : INT64_MAX;
  return (int64_t)(minus ? 0 - n : n);
}

static int64_t integer(const Value *v) {
  bool fits;
  if (v->tag == INTEGER) return v->val.integer;
  if (v->tag == REAL) return truncated(v->val.real);
  return leading(v->val.text.ptr, v->val.text.ptr + v->val.text.len, &fits);
}

/* Whether the whole text is a number but not an integer. Sets *ret to the number. */
static bool real(const Value *v, double *ret) {
  if (v->tag == REAL) *ret = v->val.real;
  if (v->tag != TEXT) return v->tag == REAL;
  const uint8_t *at = v->val.text.ptr, *end = at + v->val.text.len;
  while (at < end && space(*at)) at++;
  while (end > at && space(end[-1])) end--;
  const uint8_t *first = at;
  bool minus = at < end && *at == '-', whole = true, any = false, fits;
  if (at < end && (*at == '-' || *at == '+')) at++;
  double n = 0;
  int scale = 0;
  for (; at < end && digit(*at); at++) any = true, n = n * 10 + (*at - '0');
  if (at < end && *at == '.') {
    whole = false;
    for (at++; at < end && digit(*at); at++) any = true, n = n * 10 + (*at - '0'), scale--;
  }
  if (any && at < end && (*at == 'e' || *at == 'E')) {
    bool below = ++at < end && *at == '-';
    int exponent = 0;
    whole = false;
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end) return false;
    for (; at < end && digit(*at); at++) if (exponent < 10000) exponent = exponent * 10 + (*at - '0');
    scale += below ? -exponent : exponent;
  }
  if (!any || at != end) return false;
  if (whole) {
    leading(first, end, &fits);
    if (fits) return false;
  }
  for (; scale > 0; scale--) n *= 10;
  for (; scale < 0; scale++) n /= 10;
  *ret = minus ? -n : n;
  return true;
}

/* ---- Scans ---------------------------------------------------------------------------------------- */

static uint64_t span(int64_t high, int64_t low) { return (uint64_t)high - (uint64_t)low; }
static int64_t plus(int64_t a, uint64_t b) { return (int64_t)((uint64_t)a + b); }
static int64_t minus(int64_t a, uint64_t b) { return (int64_t)((uint64_t)a - b); }

static const double two63 = 9223372036854775808.0;

/* Limits the values to those that WHERE allows. Returns false if none is left. */
static bool narrow(int32_t number, const Value *lower, const Value *upper, int64_t *min, int64_t *max) {
  double x;
  if (number & VALUE_EQ) {
    if (real(lower, &x)) {
      if (x != ceil(x) || x < -two63 || x >= two63) return false;
      *min = *max = (int64_t)x;
    } else {
      *min = *max = integer(lower);
    }
    return true;
  }
  if (lower) {
    bool next = number & VALUE_GT;
    if (!real(lower, &x)) *min = integer(lower);
    else if (x >= two63) return false;
    else {
      if (x >= -two63) *min = (int64_t)ceil(x);
      next = next && x >= -two63 && x == ceil(x);
    }
    if (next && *min == INT64_MAX) return false;
    *min += next;
  }
  if (upper) {
    bool next = number & VALUE_LT;
    if (!real(upper, &x)) *max = integer(upper);
    else if (x < -two63) return false;
    else {
      if (x < two63) *max = (int64_t)floor(x);
      next = next && x < two63 && x == floor(x);
    }
    if (next && *max == INT64_MIN) return false;
    *max -= next;
  }
  return *min <= *max;
}

/* Moves the first value into the allowed range. Returns false if there is no value. */
static bool enter(Cursor *s, int64_t min, int64_t max) {
  if (!s->descending && s->value < min) {
    s->value = plus(s->value, span(min, s->value) / s->step * s->step);
    if (s->value < min) {
      if (s->value > minus(INT64_MAX, s->step)) return false;
      s->value = plus(s->value, s->step);
    }
  } else if (s->descending && s->value > max) {
    s->value = minus(s->value, span(s->value, max) / s->step * s->step);
    if (s->value > max) {
      if (s->value < plus(INT64_MIN, s->step)) return false;
      s->value = minus(s->value, s->step);
    }
  }
  if (!s->descending && s->last > max) s->last = max;
  if (s->descending && s->last < min) s->last = min;
  return s->descending ? s->value >= s->last : s->value <= s->last;
}

static uint64_t steps(const Cursor *s) {
  return (s->descending ? span(s->value, s->last) : span(s->last, s->value)) / s->step;
}

/* Finds the first and the last value. Returns false if there are no values. */
static bool start(Cursor *s, int32_t number, const Arguments *args) {
  const Value *slots[SLOTS] = {0};
  static const int bits[SLOTS] = {HAS_START, HAS_STOP, HAS_STEP, HAS_LIMIT, HAS_OFFSET, LOWER, UPPER};
  size_t at = 0;
  for (int i = 0; i < SLOTS; i++) {
    if (!(number & bits[i]) || at == args->len) continue;
    slots[i] = &args->ptr[at++].val.value;
    if (slots[i]->tag == NONE) return false;
  }
  bool bounded = number & (HAS_START | HAS_STEP), unended = !(number & (HAS_STOP | HAS_STEP));
  s->given[0] = slots[0] ? integer(slots[0]) : !bounded && slots[SLOT_LOWER] ? INT64_MIN : 0;
  s->given[1] = slots[1] ? integer(slots[1]) : unended && number & (UPPER | VALUE_EQ) ? INT64_MAX : 0xffffffff;
  s->given[2] = slots[2] ? integer(slots[2]) : 1;
  if (s->given[2] == 0) s->given[2] = 1;
  s->descending = s->given[2] < 0;
  s->step = s->descending ? 0 - (uint64_t)s->given[2] : (uint64_t)s->given[2];
  s->value = s->given[0];
  s->last = s->given[1];
  if (s->descending ? s->value < s->last : s->value > s->last) return false;

  int64_t min = INT64_MIN, max = INT64_MAX;
  if (!narrow(number, slots[SLOT_LOWER], slots[SLOT_UPPER], &min, &max) || !enter(s, min, max)) return false;
  uint64_t whole = steps(s) * s->step;
  s->last = s->descending ? minus(s->value, whole) : plus(s->value, whole);
  if (s->descending ? number & ASCENDING : number & DESCENDING) {
    int64_t first = s->last;
    s->last = s->value;
    s->value = first;
    s->descending = !s->descending;
  }

  int64_t limit = slots[SLOT_LIMIT] ? integer(slots[SLOT_LIMIT]) : -1;
  int64_t offset = slots[SLOT_OFFSET] ? integer(slots[SLOT_OFFSET]) : 0;
  if (offset > 0) {
    if (steps(s) < (uint64_t)offset) return false;
    uint64_t skipped = s->step * (uint64_t)offset;
    s->value = s->descending ? minus(s->value, skipped) : plus(s->value, skipped);
  }
  if (limit == 0) return false;
  if (limit > 0 && steps(s) >= (uint64_t)limit) {
    uint64_t length = s->step * (uint64_t)(limit - 1);
    s->last = s->descending ? minus(s->value, length) : plus(s->value, length);
  }
  return true;
}

static void fill(Cursor *s, uint32_t most, Batch *ret) {
  uint64_t left = s->done ? 0 : steps(s); /* besides this one */
  size_t count = s->done ? 0 : left < most ? left + 1 : most;
  Value *value = begin_batch(ret, count, COLUMNS);
  int64_t *rowids = ret->rowids.ptr;
  uint64_t stride = s->descending ? 0 - s->step : s->step;
  int64_t n = s->value;
  for (size_t row = 0; row < count; row++, value += COLUMNS) {
    rowids[row] = n;
    value[VALUE].tag = INTEGER;
    value[VALUE].val.integer = n;
    for (int i = 0; i < 3; i++) {
      bool used = s->number & USES_START << i;
      value[START + i].tag = used ? INTEGER : NONE;
      if (used) value[START + i].val.integer = s->given[i];
    }
    n = plus(n, stride);
  }
  s->value = n;
  s->done = ret->done = left < most;
}

bool VT(filter)(
  uint32_t cursor, int32_t number, String *text, Arguments *args, uint32_t max_rows, Batch *ret, Error *err
) {
  (void)err;
  Cursor *scan = cursor_of(cursor);
  scan->number = number;
  scan->done = !start(scan, number, args);
  VT(list_argument_free)(args);
  WORLD(string_free)(text);
  fill(scan, max_rows, ret);
  return true;
}

bool VT(fetch)(uint32_t cursor, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err;
  fill(cursor_of(cursor), max_rows, ret);
  return true;
}
