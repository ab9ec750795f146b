/*
** The SQL functions session_create, session_attach, session_changeset and session_delete, over the host's
** interface sqlite:extension/session.
*/
#include "minimal.h"
#include <stdlib.h>
#include <string.h>

typedef exports_sqlite_extension_scalar_function_sql_value_t Value;
typedef exports_sqlite_extension_scalar_function_sqlite_error_t Error;

enum { NOTFOUND = 12, MISMATCH = 20, MISUSE = 21, NOTICE = 27 };
enum { CREATE, ATTACH, CHANGESET, DELETE, FUNCTIONS };

static const struct {
  const char *name;
  int32_t args;
} functions[FUNCTIONS] = {
  [CREATE] = {"session_create", 1},
  [ATTACH] = {"session_attach", 2},
  [CHANGESET] = {"session_changeset", 1},
  [DELETE] = {"session_delete", 1},
};

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  minimal_string_dup(&ret->name, "session");
  minimal_string_dup(&ret->version, "1.0.0");
}

/* For triggers too, so none is direct-only; each acts on state, so none is deterministic or innocuous. */
void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  ret->len = FUNCTIONS;
  ret->ptr = malloc(FUNCTIONS * sizeof *ret->ptr);
  if (!ret->ptr) abort();
  for (int i = 0; i < FUNCTIONS; i++) {
    ret->ptr[i].id = i;
    minimal_string_dup(&ret->ptr[i].name, functions[i].name);
    ret->ptr[i].num_args = functions[i].args;
    ret->ptr[i].options = 0;
  }
}

/* A sentence under construction; what does not fit is left out. stdio would bring WASI imports. */
typedef struct {
  size_t len;
  char text[256];
} Sentence;

static void add_bytes(Sentence *s, const char *text, size_t len) {
  if (len > sizeof s->text - s->len) len = sizeof s->text - s->len;
  memcpy(s->text + s->len, text, len);
  s->len += len;
}

static void add(Sentence *s, const char *text) { add_bytes(s, text, strlen(text)); }

static void add_unsigned(Sentence *s, uint64_t n) {
  char digits[20];
  int at = sizeof digits;
  do digits[--at] = '0' + n % 10; while (n /= 10);
  add_bytes(s, digits + at, sizeof digits - at);
}

static void add_integer(Sentence *s, int64_t n) {
  if (n < 0) add(s, "-");
  add_unsigned(s, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

/* As SQLite shows it, with 15 digits; the last may be off by one far from 1. */
static void add_real(Sentence *s, double x) {
  static const double powers[] = {1e1, 1e2, 1e4, 1e8, 1e16, 1e32, 1e64, 1e128, 1e256};
  if (x < 0) add(s, "-");
  if (x < 0) x = -x;
  if (x == 0) return add(s, "0.0");
  if (x > 1.7976931348623157e308) return add(s, "Inf");
  int exponent = 0;
  for (int i = 8; i >= 0; i--) {
    if (x >= powers[i]) x /= powers[i], exponent += 1 << i;
  }
  for (int i = 8; i >= 0; i--) {
    if (x * powers[i] < 10) x *= powers[i], exponent -= 1 << i;
  }
  uint64_t n = (uint64_t)(x * 1e14 + 0.5);
  if (n >= 1000000000000000) n /= 10, exponent++;
  char digits[15];
  for (int i = 14; i >= 0; i--, n /= 10) digits[i] = '0' + n % 10;
  int count = 15;
  while (count > 1 && digits[count - 1] == '0') count--;
  if (exponent < -4 || exponent > 14) {
    add_bytes(s, digits, 1);
    add(s, ".");
    if (count > 1) add_bytes(s, digits + 1, count - 1);
    else add(s, "0");
    add(s, exponent < 0 ? "e-" : "e+");
    if (exponent > -10 && exponent < 10) add(s, "0");
    return add_unsigned(s, exponent < 0 ? -exponent : exponent);
  }
  if (exponent < 0) add(s, "0.");
  for (int i = -1; i > exponent; i--) add(s, "0");
  for (int i = 0; i < count || i <= exponent; i++) {
    add_bytes(s, i < count ? digits + i : "0", 1);
    if (i == exponent) add(s, i + 1 < count ? "." : ".0");
  }
}

/* The value itself, for a person; long text is cut at a character. */
static void add_value(Sentence *s, const Value *v) {
  switch (v->tag) {
    case SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER:
      return add_integer(s, v->val.integer);
    case SQLITE_EXTENSION_TYPES_SQL_VALUE_REAL:
      add(s, "the real number ");
      return add_real(s, v->val.real);
    case SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT: {
      size_t len = v->val.text.len, shown = len > 40 ? 40 : len;
      while (shown < len && shown > 0 && (v->val.text.ptr[shown] & 0xc0) == 0x80) shown--;
      add(s, "the text '");
      add_bytes(s, (const char *)v->val.text.ptr, shown);
      return add(s, shown < len ? "...'" : "'");
    }
    case SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB:
      add(s, "a blob of ");
      add_unsigned(s, v->val.blob.len);
      return add(s, v->val.blob.len == 1 ? " byte" : " bytes");
    default:
      return add(s, "NULL");
  }
}

static const char *kind(const Value *v) {
  static const char *const kinds[] = {"NULL", "an integer", "a real number", "text", "a blob"};
  return kinds[v->tag];
}

static bool fail(Error *err, int32_t code, const Sentence *s) {
  err->code = code;
  err->extended_code = code;
  minimal_string_dup_n(&err->message, s->text, s->len);
  return false;
}

static bool fail_kind(Error *err, int function, const char *wanted, const Value *got) {
  Sentence s = {0};
  add(&s, functions[function].name);
  add(&s, wanted);
  add(&s, kind(got));
  return fail(err, MISMATCH, &s);
}

static bool handle_of(int function, const Value *v, sqlite_extension_session_handle_t *h, Error *err) {
  if (v->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER && v->val.integer > 0) {
    *h = v->val.integer;
    return true;
  }
  Sentence s = {0};
  add(&s, functions[function].name);
  add(&s, ": ");
  add_value(&s, v);
  add(&s, " is not a session handle; session_create('main') makes one");
  return fail(err, MISUSE, &s);
}

/* Success is 1, and 0 where the host failed with `code`, which is an answer rather than an error. */
static bool answer(bool done, int32_t code, Value *ret, Error *err) {
  if (!done && err->code != code) return false;
  if (!done) exports_sqlite_extension_scalar_function_sqlite_error_free(err);
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
  ret->val.integer = done;
  return true;
}

static bool call(uint64_t id, Value *args, size_t count, Value *ret, Error *err) {
  sqlite_extension_session_handle_t h;
  if (id >= FUNCTIONS || count != (size_t)functions[id].args) {
    Sentence s = {0};
    add(&s, "the session extension has no such function");
    return fail(err, MISUSE, &s);
  }
  if (id != CREATE && !handle_of(id, &args[0], &h, err)) return false;
  switch (id) {
    case CREATE:
      if (args[0].tag != SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT) {
        return fail_kind(err, id, ": the database name must be text, such as 'main'; got ", &args[0]);
      }
      if (!sqlite_extension_session_create(&args[0].val.text, &h, err)) return false;
      ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
      ret->val.integer = h;
      return true;
    case ATTACH: {
      bool all = args[1].tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL;
      if (!all && args[1].tag != SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT) {
        return fail_kind(err, id, ": the table must be text, or NULL for every table; got ", &args[1]);
      }
      minimal_string_t *table = all ? NULL : &args[1].val.text;
      return answer(sqlite_extension_session_attach(h, table, err), NOTICE, ret, err);
    }
    case CHANGESET:
      ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB;
      return sqlite_extension_session_changeset(h, &ret->val.blob, err); /* handed on without a copy */
    default:
      return answer(sqlite_extension_session_delete(h, err), NOTFOUND, ret, err);
  }
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  bool done = call(id, args->ptr, args->len, ret, err);
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return done;
}
