/* Handles as SQL values. */
#ifndef HANDLE_H
#define HANDLE_H
#include "sentence.h"

typedef sqlite_extension_session_handle_t Handle;

/* A JavaScript number that is bound to a parameter arrives as a REAL, which is exact below 2^53. */
static inline bool handle_of(const char *name, const Value *v, Handle *h, Error *err) {
  bool is_real = v->tag == REAL && v->val.real > 0 && v->val.real < 9007199254740992.0;
  int64_t n = is_integer(v) ? v->val.integer : is_real ? (int64_t)v->val.real : 0;
  if (n > 0 && (is_integer(v) || (double)n == v->val.real)) {
    *h = n;
    return true;
  }
  Sentence s = {0};
  add(&s, name);
  add(&s, ": ");
  add_value(&s, v);
  add(&s, " is not a session handle; session_create('main') makes one");
  return fail_with(err, SQLITE_MISUSE, &s);
}
#endif
