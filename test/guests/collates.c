/* Collations: reverse order, one that traps for texts with an x, and one that calls the host. */
#include "collating.h"
#define WORLD(name) collating_##name
#include "sentence.h"
#include "calls.h"

enum { BACKWARDS, TRAPS, CALLS };

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  collating_string_dup(&ret->name, "collating");
  collating_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_collation_describe(exports_sqlite_extension_collation_list_collation_spec_t *ret) {
  static const char *const names[] = {"backwards", "traps", "calls"};
  ret->len = 3;
  ret->ptr = malloc(3 * sizeof *ret->ptr);
  if (!ret->ptr) abort();
  for (int i = 0; i < 3; i++) {
    ret->ptr[i].id = i;
    collating_string_dup(&ret->ptr[i].name, names[i]);
  }
}

int32_t exports_sqlite_extension_collation_compare(uint64_t id, collating_string_t *a, collating_string_t *b) {
  size_t n = a->len < b->len ? a->len : b->len;
  int order = memcmp(a->ptr, b->ptr, n);
  if (order == 0) order = (a->len > b->len) - (a->len < b->len);
  if (id == TRAPS && (memchr(a->ptr, 'x', a->len) || memchr(b->ptr, 'x', b->len))) __builtin_trap();
  if (id == CALLS) log_calls("compare");
  collating_string_free(a);
  collating_string_free(b);
  return id == BACKWARDS ? -order : order;
}
