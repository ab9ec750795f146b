/* Handles as SQL values. Include it behind guest.h. */
#ifndef HANDLE_H
#define HANDLE_H

typedef sqlite_extension_session_handle_t Handle;

static inline bool handle_of(const char *name, const Value *v, Handle *h, Error *err) {
  if (is_integer(v) && v->val.integer > 0) {
    *h = v->val.integer;
    return true;
  }
  Sentence s = {0};
  add(&s, name);
  add(&s, ": ");
  add_value(&s, v);
  add(&s, " is not a session handle; session_create('main') makes one");
  return fail(err, MISUSE, &s);
}
#endif
