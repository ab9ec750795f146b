/* Batches of rows and SQLite's order of values, for guests with virtual tables. */
#include "table.h"

/* calloc that never returns NULL. */
static inline void *room_for(size_t count, size_t size) {
  void *room = calloc(count ? count : 1, size);
  if (!room) abort();
  return room;
}

static inline void *more_room(void *old, size_t count, size_t size) {
  void *room = realloc(old, (count ? count : 1) * size);
  if (!room) abort();
  return room;
}

/* Begins a batch of `count` rows of NULL values. Returns the address of the values. */
static inline Value *begin_nulls(Batch *ret, size_t count, size_t columns, bool done) {
  Value *values = begin_batch(ret, count, columns);
  for (size_t i = 0; i < count * columns; i++) give_null(&values[i]);
  for (size_t i = 0; i < count; i++) ret->rowids.ptr[i] = 0;
  ret->done = done;
  return values;
}

static inline void drop_value(Value *v) {
  if (v->tag >= TEXT && v->val.text.len) free(v->val.text.ptr);
  v->tag = NONE;
}

/* Compares in the order of ORDER BY, texts byte by byte. */
static inline int compare(const Value *a, const Value *b) {
  static const int ranks[] = {0, 1, 1, 2, 3};
  int rank = ranks[a->tag] - ranks[b->tag];
  if (rank || a->tag == NONE) return rank;
  if (a->tag == INTEGER && b->tag == INTEGER) {
    return (a->val.integer > b->val.integer) - (a->val.integer < b->val.integer);
  }
  if (a->tag < TEXT) {
    double x = a->tag == REAL ? a->val.real : (double)a->val.integer;
    double y = b->tag == REAL ? b->val.real : (double)b->val.integer;
    return (x > y) - (x < y);
  }
  size_t la = a->val.text.len, lb = b->val.text.len, n = la < lb ? la : lb;
  int order = n ? memcmp(a->val.text.ptr, b->val.text.ptr, n) : 0;
  return order ? order : (la > lb) - (la < lb);
}

/* Whether `v OP right` is true. */
static inline bool holds(const Value *v, int op, const Value *right) {
  if (op == IS || op == ISNOT) return (compare(v, right) == 0) == (op == IS);
  if (op == ISNULL || op == ISNOTNULL) return (v->tag == NONE) == (op == ISNULL);
  if (v->tag == NONE || right->tag == NONE) return false;
  int order = compare(v, right);
  switch (op) {
    case EQ: return order == 0;
    case NE: return order != 0;
    case GT: return order > 0;
    case GE: return order >= 0;
    case LT: return order < 0;
    default: return order <= 0;
  }
}

static inline bool is(const String *s, const char *text) {
  return s->len == strlen(text) && memcmp(s->ptr, text, s->len) == 0;
}

/* The text after "NAME=" in an argument; NULL if the argument has another name. */
static inline const char *after(const String *s, const char *name, size_t *len) {
  size_t n = strlen(name);
  if (s->len <= n || memcmp(s->ptr, name, n) != 0 || s->ptr[n] != '=') return NULL;
  *len = s->len - n - 1;
  return (const char *)s->ptr + n + 1;
}

/* The number of an argument "NAME=123", or `otherwise`. */
static inline int64_t number_of(const Strings *args, const char *name, int64_t otherwise) {
  size_t len;
  for (size_t i = 2; i < args->len; i++) {
    const char *at = after(&args->ptr[i], name, &len);
    if (!at) continue;
    int64_t n = 0;
    for (; len > 0 && *at >= '0' && *at <= '9'; at++, len--) n = n * 10 + (*at - '0');
    return n;
  }
  return otherwise;
}

/* Whether one of the arguments is this word. */
static inline bool has_word(const Strings *args, const char *word) {
  for (size_t i = 2; i < args->len; i++) if (is(&args->ptr[i], word)) return true;
  return false;
}

static inline bool fail_text(Error *err, int32_t code, const char *text) {
  err->code = code & 255;
  err->extended_code = code;
  WORLD(string_dup)(&err->message, text);
  return false;
}
