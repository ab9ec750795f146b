/*
** What guests share: values, and sentences about them. Include it behind the header of the world, whose name
** WORLD(x) puts before x. It needs no stdio, which would bring imports of WASI.
*/
#ifndef GUEST_H
#define GUEST_H
#include <stdlib.h>
#include <string.h>

typedef sqlite_extension_types_sql_value_t Value;
typedef sqlite_extension_types_sqlite_error_t Error;

enum { NOTFOUND = 12, MISMATCH = 20, MISUSE = 21, NOTICE = 27 };

/* A sentence under construction; what does not fit is left out. stdio would bring WASI imports. */
typedef struct {
  size_t len;
  char text[256];
} Sentence;

static inline void add_bytes(Sentence *s, const char *text, size_t len) {
  if (len > sizeof s->text - s->len) len = sizeof s->text - s->len;
  memcpy(s->text + s->len, text, len);
  s->len += len;
}

static inline void add(Sentence *s, const char *text) { add_bytes(s, text, strlen(text)); }

static inline void add_unsigned(Sentence *s, uint64_t n) {
  char digits[20];
  int at = sizeof digits;
  do digits[--at] = '0' + n % 10; while (n /= 10);
  add_bytes(s, digits + at, sizeof digits - at);
}

static inline void add_integer(Sentence *s, int64_t n) {
  if (n < 0) add(s, "-");
  add_unsigned(s, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

/* As SQLite shows it, with 15 digits; the last may be off by one far from 1. */
static inline void add_real(Sentence *s, double x) {
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
static inline void add_value(Sentence *s, const Value *v) {
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

static inline const char *kind(const Value *v) {
  static const char *const kinds[] = {"NULL", "an integer", "a real number", "text", "a blob"};
  return kinds[v->tag];
}

static inline bool fail(Error *err, int32_t code, const Sentence *s) {
  err->code = code;
  err->extended_code = code;
  WORLD(string_dup_n)(&err->message, s->text, s->len);
  return false;
}

/* "NAME: WANTED; got KIND" */
static inline bool fail_kind(Error *err, const char *name, const char *wanted, const Value *got) {
  Sentence s = {0};
  add(&s, name);
  add(&s, ": ");
  add(&s, wanted);
  add(&s, "; got ");
  add(&s, kind(got));
  return fail(err, MISMATCH, &s);
}

static inline bool is_null(const Value *v) { return v->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL; }
static inline bool is_text(const Value *v) { return v->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT; }
static inline bool is_blob(const Value *v) { return v->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB; }
static inline bool is_integer(const Value *v) { return v->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER; }

/* The results of functions. What is handed over belongs to the result. */
static inline bool give_integer(Value *ret, int64_t n) {
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
  ret->val.integer = n;
  return true;
}
static inline bool give_null(Value *ret) {
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL;
  return true;
}

#ifdef EXPORTS_SQLITE_EXTENSION_SCALAR_FUNCTION_FUNCTION_FLAGS_DETERMINISTIC
/* One function of an extension. */
typedef struct {
  const char *name;
  int32_t args;
  int options;
} Function;

static inline void describe_functions(
  const Function *functions, size_t count, exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  ret->len = count;
  ret->ptr = malloc(count * sizeof *ret->ptr);
  if (!ret->ptr) abort();
  for (size_t i = 0; i < count; i++) {
    ret->ptr[i].id = i;
    WORLD(string_dup)(&ret->ptr[i].name, functions[i].name);
    ret->ptr[i].num_args = functions[i].args;
    ret->ptr[i].options = functions[i].options;
  }
}
#endif
#endif
