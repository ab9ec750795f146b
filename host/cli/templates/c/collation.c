/* COLLATE natsort: compares runs of digits as numbers, so that file2 sorts before file10. */
#include "guest.h"

void exports_sqlite_extension_collation_describe(exports_sqlite_extension_collation_list_collation_spec_t *ret) {
  ret->len = 1;
  ret->ptr = allocate(sizeof *ret->ptr);
  ret->ptr[0].id = 0;
  WORLD(string_dup)(&ret->ptr[0].name, "natsort");
}

static bool is_digit(const String *text, size_t at) {
  return at < text->len && text->ptr[at] >= '0' && text->ptr[at] <= '9';
}

static size_t after_zeros(const String *text, size_t at) {
  while (text->ptr[at] == '0' && is_digit(text, at + 1)) at++;
  return at;
}

static size_t after_digits(const String *text, size_t at) {
  while (is_digit(text, at)) at++;
  return at;
}

static int32_t order(size_t a, size_t b) { return (a > b) - (a < b); }

static int32_t natural(const String *a, const String *b) {
  size_t i = 0, j = 0;
  while (i < a->len && j < b->len) {
    if (is_digit(a, i) && is_digit(b, j)) {
      i = after_zeros(a, i);
      j = after_zeros(b, j);
      size_t end_a = after_digits(a, i), end_b = after_digits(b, j);
      if (end_a - i != end_b - j) return order(end_a - i, end_b - j);
      int difference = memcmp(a->ptr + i, b->ptr + j, end_a - i);
      if (difference != 0) return difference < 0 ? -1 : 1;
      i = end_a;
      j = end_b;
    } else {
      if (a->ptr[i] != b->ptr[j]) return order(a->ptr[i], b->ptr[j]);
      i++;
      j++;
    }
  }
  if (i < a->len || j < b->len) return i < a->len ? 1 : -1;
  /*
  ** The texts differ only in leading zeros, or are equal. Different texts must not compare as equal, because indexes
  ** depend on that.
   */
  size_t shorter = a->len < b->len ? a->len : b->len;
  int difference = memcmp(a->ptr, b->ptr, shorter);
  return difference != 0 ? (difference < 0 ? -1 : 1) : order(a->len, b->len);
}

int32_t exports_sqlite_extension_collation_compare(uint64_t id, String *a, String *b) {
  (void)id;
  int32_t result = natural(a, b);
  WORLD(string_free)(a);
  WORLD(string_free)(b);
  return result;
}
