/* See stats.h. A hash table with open addressing. A removed value keeps its slot until the table grows. */
#include "stats.h"

static const double two63 = 9223372036854775808.0;

/* An integer and a real number can be the same value. */
static bool integer_of(const Value *v, int64_t *n) {
  if (v->tag == INTEGER) *n = v->val.integer;
  else if (v->tag == REAL && v->val.real >= -two63 && v->val.real < two63 && v->val.real == trunc(v->val.real)) {
    *n = (int64_t)v->val.real;
  } else return false;
  return true;
}

static uint64_t hash_of(const Value *v) {
  uint64_t hash = 14695981039346656037u;
  int64_t n;
  const uint8_t *bytes = (const uint8_t *)&n;
  size_t len = sizeof n;
  if (v->tag >= TEXT) {
    bytes = v->val.text.ptr;
    len = v->val.text.len;
    hash += v->tag;
  } else if (!integer_of(v, &n)) memcpy(&n, &v->val.real, sizeof n);
  for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

/* SQLite's order: numbers, text, blobs. */
static int compare(const Value *a, const Value *b) {
  if (a->tag >= TEXT || b->tag >= TEXT) {
    if (a->tag != b->tag) return a->tag < b->tag ? -1 : 1;
    size_t len = a->val.text.len < b->val.text.len ? a->val.text.len : b->val.text.len;
    int order = len ? memcmp(a->val.text.ptr, b->val.text.ptr, len) : 0;
    return order ? order : (a->val.text.len > b->val.text.len) - (a->val.text.len < b->val.text.len);
  }
  int64_t n, m;
  if (integer_of(a, &n) && integer_of(b, &m)) return (n > m) - (n < m);
  double x = a->tag == INTEGER ? (double)a->val.integer : a->val.real;
  double y = b->tag == INTEGER ? (double)b->val.integer : b->val.real;
  return (x > y) - (x < y);
}

static void drop(Count *slot) {
  if (slot->used && slot->value.tag >= TEXT) free(slot->value.val.text.ptr);
}

static Count *slot_of(const Counts *t, const Value *v) {
  size_t at = hash_of(v) & (t->room - 1);
  while (t->slots[at].used && compare(&t->slots[at].value, v) != 0) at = (at + 1) & (t->room - 1);
  return &t->slots[at];
}

static void grow(Counts *t) {
  size_t live = 0;
  for (size_t i = 0; i < t->room; i++) live += t->slots[i].times > 0;
  Counts bigger = {.room = 16};
  while (bigger.room < live * 4) bigger.room *= 2;
  bigger.slots = allocate_zeroed(bigger.room * sizeof *bigger.slots);
  for (size_t i = 0; i < t->room; i++) {
    if (t->slots[i].times > 0) {
      *slot_of(&bigger, &t->slots[i].value) = t->slots[i];
      bigger.used++;
    } else drop(&t->slots[i]);
  }
  free(t->slots);
  *t = bigger;
}

/* Whether a is more frequent than b, or equally frequent and first in SQLite's order. */
static bool precedes(const Count *a, const Count *b) {
  return a->times > b->times || (a->times == b->times && compare(&a->value, &b->value) < 0);
}

void count(Counts *t, const Value *v, int n) {
  if (t->used * 2 >= t->room) grow(t);
  Count *slot = slot_of(t, v);
  if (!slot->used) {
    *slot = (Count){.value = copy_of(v), .used = true};
    t->used++;
  }
  slot->times += n;
  if (n > 0 && t->best && precedes(slot, t->best)) t->best = slot;
  if (n < 0 && t->best == slot) t->best = NULL;
}

void most(Counts *t, Value *ret) {
  bool known = t->best;
  for (size_t i = 0; !known && i < t->room; i++) {
    Count *slot = &t->slots[i];
    if (slot->times > 0 && (!t->best || precedes(slot, t->best))) t->best = slot;
  }
  if (t->best) *ret = copy_of(&t->best->value);
}

void counts_free(Counts *t) {
  for (size_t i = 0; i < t->room; i++) drop(&t->slots[i]);
  free(t->slots);
}
