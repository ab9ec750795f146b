/* Builds error messages without stdio. */
#ifndef SENTENCE_H
#define SENTENCE_H
#include "guest.h"

/* A message under construction. Text that does not fit is omitted. */
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

/* Adds a quoted text. A long text is cut after a whole character. */
static inline void add_quoted(Sentence *s, const String *text) {
  size_t shown = text->len > 40 ? 40 : text->len;
  while (shown < text->len && shown > 0 && (text->ptr[shown] & 0xc0) == 0x80) shown--;
  add(s, "'");
  add_bytes(s, (const char *)text->ptr, shown);
  add(s, shown < text->len ? "...'" : "'");
}

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

/* Adds a number with 15 digits, as SQLite prints it. The last digit may be wrong by one for very large and small
** numbers. */
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

/* Adds a value in readable form. */
static inline void add_value(Sentence *s, const Value *v) {
  switch (v->tag) {
    case INTEGER:
      return add_integer(s, v->val.integer);
    case REAL:
      add(s, "the real number ");
      return add_real(s, v->val.real);
    case TEXT:
      add(s, "the text ");
      return add_quoted(s, &v->val.text);
    case BLOB:
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

static inline bool fail_with(Error *err, int32_t code, const Sentence *s) {
  err->code = code;
  err->extended_code = code;
  WORLD(string_dup_n)(&err->message, s->text, s->len);
  return false;
}

/* Fails with "NAME: WANTED; got KIND". */
static inline bool fail_kind(Error *err, const char *name, const char *wanted, const Value *got) {
  Sentence s = {0};
  add(&s, name);
  add(&s, ": ");
  add(&s, wanted);
  add(&s, "; got ");
  add(&s, kind(got));
  return fail_with(err, SQLITE_MISMATCH, &s);
}
#endif
