/* Aggregates for the tests of groups, windows and errors. live_groups() returns the number of groups with a state. */
#include "stateful.h"
#include <stdlib.h>
#include <string.h>

typedef exports_sqlite_extension_aggregate_function_sql_value_t Value;
typedef exports_sqlite_extension_aggregate_function_sqlite_error_t Error;
typedef exports_sqlite_extension_aggregate_function_list_sql_value_t Args;

enum { TOTAL, JOIN, PLAIN, PICKY, EXPLODES, NEVER, MANY, RECORDED, LIVE, ECHO, FUNCTIONS };

enum { WINDOW = EXPORTS_SQLITE_EXTENSION_AGGREGATE_FUNCTION_FUNCTION_FLAGS_WINDOW };

static const struct {
  const char *name;
  int32_t args;
  int options;
} functions[FUNCTIONS] = {
  [TOTAL] = {"total_of", 1, WINDOW}, [JOIN] = {"joined", 1, WINDOW},  [PLAIN] = {"plain_total", 1, 0},
  [PICKY] = {"picky", 1, WINDOW},    [EXPLODES] = {"explodes", 1, WINDOW}, [NEVER] = {"never", 1, WINDOW},
  [MANY] = {"many", -1, 0},          [RECORDED] = {"recorded", 1, 0}, [LIVE] = {"live_groups", 0, 0},
  [ECHO] = {"last_of", 1, WINDOW},
};

typedef struct Group {
  uint32_t number;
  int64_t sum, rows;
  Value *kept;  /* for JOIN and ECHO, oldest first */
  size_t len;
  struct Group *next;
} Group;

static Group *groups;

static Group *find(uint32_t number, bool make) {
  for (Group *g = groups; g; g = g->next) {
    if (g->number == number) return g;
  }
  if (!make) return NULL;
  Group *g = calloc(1, sizeof *g);
  if (!g) abort();
  g->number = number;
  g->next = groups;
  return groups = g;
}

static void drop(uint32_t number) {
  for (Group **p = &groups; *p; p = &(*p)->next) {
    if ((*p)->number != number) continue;
    Group *g = *p;
    *p = g->next;
    for (size_t i = 0; i < g->len; i++) exports_sqlite_extension_aggregate_function_sql_value_free(&g->kept[i]);
    free(g->kept);
    free(g);
    return;
  }
}

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  stateful_string_dup(&ret->name, "aggregates");
  stateful_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_aggregate_function_describe(
  exports_sqlite_extension_aggregate_function_list_function_spec_t *ret
) {
  ret->len = FUNCTIONS;
  ret->ptr = malloc(FUNCTIONS * sizeof *ret->ptr);
  if (!ret->ptr) abort();
  for (int i = 0; i < FUNCTIONS; i++) {
    ret->ptr[i].id = i;
    stateful_string_dup(&ret->ptr[i].name, functions[i].name);
    ret->ptr[i].num_args = functions[i].args;
    ret->ptr[i].options = functions[i].options;
  }
}

static bool fail(Error *err, int32_t code, const char *message) {
  err->code = code & 255;
  err->extended_code = code;
  stateful_string_dup(&err->message, message);
  return false;
}

static bool take(uint64_t id, uint32_t number, Args *args, int sign, Error *err) {
  Group *g = find(number, true);
  Value *v = args->ptr;
  int64_t n = args->len && v->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER ? v->val.integer : 0;
  if (id == PICKY && n == 3) return fail(err, sign > 0 ? 1 : 275, sign > 0 ? "no threes" : "no threes out");
  if (id == EXPLODES && n == 3) __builtin_trap();
  g->rows += sign * (id == MANY ? (int64_t)args->len : 1);
  g->sum += sign * n;
  if (id != JOIN && id != ECHO) return true;
  if (sign < 0) {
    exports_sqlite_extension_aggregate_function_sql_value_free(&g->kept[0]);
    memmove(g->kept, g->kept + 1, --g->len * sizeof *g->kept);
    return true;
  }
  g->kept = realloc(g->kept, (g->len + 1) * sizeof *g->kept);
  if (!g->kept) abort();
  g->kept[g->len++] = *v;
  v->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL; /* its bytes are kept */
  return true;
}

static Value copy_of(const Value *v) {
  Value copy = *v;
  if (v->tag < SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT) return copy;
  copy.val.text.ptr = malloc(v->val.text.len + 1);
  if (!copy.val.text.ptr) abort();
  memcpy(copy.val.text.ptr, v->val.text.ptr, v->val.text.len);
  return copy;
}

/* Joins the texts with commas; NULL if there are none. */
static void join(const Group *g, Value *ret) {
  size_t len = 0;
  for (size_t i = 0; i < g->len; i++) len += g->kept[i].val.text.len + 1;
  if (len == 0) return;
  uint8_t *bytes = malloc(len), *at = bytes;
  if (!bytes) abort();
  for (size_t i = 0; i < g->len; i++) {
    memcpy(at, g->kept[i].val.text.ptr, g->kept[i].val.text.len);
    at += g->kept[i].val.text.len;
    *at++ = ',';
  }
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
  ret->val.text = (stateful_string_t){bytes, len - 1};
}

/* Returns the length of the changeset of a temporary session. */
static bool record(Value *ret, Error *err) {
  stateful_string_t main_ = {(uint8_t *)"main", 4};
  sqlite_extension_session_handle_t h;
  stateful_list_u8_t bytes;
  Error *e = err;
  if (!sqlite_extension_session_create(&main_, &h, e)) return false;
  if (!sqlite_extension_session_attach(h, NULL, e)) return false;
  if (!sqlite_extension_session_changeset(h, &bytes, e)) return false;
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
  ret->val.integer = bytes.len;
  stateful_list_u8_free(&bytes);
  return sqlite_extension_session_delete(h, e);
}

static bool give(uint64_t id, uint32_t number, Value *ret, Error *err) {
  Group *g = find(number, false);
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL;
  if (id == RECORDED) return record(ret, err);
  if (id == NEVER) return fail(err, 275, "never");
  if (id == LIVE || id == MANY) {
    ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
    ret->val.integer = 0;
    if (id == MANY && g) ret->val.integer = g->rows;
    for (Group *p = groups; p && id == LIVE; p = p->next) ret->val.integer += p->number != number;
    return true;
  }
  if (!g || g->rows == 0) return true;
  if (id == JOIN) join(g, ret);
  else if (id == ECHO) *ret = copy_of(&g->kept[g->len - 1]);
  else {
    ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
    ret->val.integer = g->sum;
  }
  return true;
}

bool exports_sqlite_extension_aggregate_function_step(uint64_t id, uint32_t group, Args *args, Error *err) {
  bool done = take(id, group, args, 1, err);
  exports_sqlite_extension_aggregate_function_list_sql_value_free(args);
  return done;
}

bool exports_sqlite_extension_aggregate_function_inverse(uint64_t id, uint32_t group, Args *args, Error *err) {
  bool done = take(id, group, args, -1, err);
  exports_sqlite_extension_aggregate_function_list_sql_value_free(args);
  return done;
}

bool exports_sqlite_extension_aggregate_function_value(uint64_t id, uint32_t group, Value *ret, Error *err) {
  find(group, true); /* a value of a group that never ends would stay */
  return give(id, group, ret, err);
}

bool exports_sqlite_extension_aggregate_function_finalize(uint64_t id, uint32_t group, Value *ret, Error *err) {
  bool done = give(id, group, ret, err);
  drop(group);
  return done;
}
