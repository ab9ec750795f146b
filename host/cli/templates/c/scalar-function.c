/*
** slug(text): converts a text to lower case and replaces everything except letters and digits by hyphens, for use in
** URLs.
*/
#include "guest.h"

enum { SLUG, FUNCTIONS };

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  static const Function functions[FUNCTIONS] = {
    [SLUG] = {"slug", 1, SCALAR(DETERMINISTIC) | SCALAR(INNOCUOUS)},
  };
  describe_functions(functions, FUNCTIONS, ret);
}

static void slug(const String *text, Value *ret) {
  uint8_t *out = allocate(text->len);
  size_t len = 0;
  bool pending = false;
  for (size_t i = 0; i < text->len; i++) {
    uint8_t c = text->ptr[i];
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
    bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
    if (kept && pending && len > 0) out[len++] = '-';
    if (kept) out[len++] = c;
    pending = !kept;
  }
  if (len == 0) free(out); /* the bindings do not free what has length 0 */
  ret->tag = TEXT;
  ret->val.text.ptr = out; /* the caller frees it */
  ret->val.text.len = len;
}

/* This function must free `args`. The caller frees the text of the result and the message of the error. */
bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  const Value *text = &args->ptr[0];
  bool done = true;
  if (id != SLUG || args->len != 1) done = fail(err, SQLITE_ERROR, "EXTENSION_NAME has no such function");
  else if (is_null(text)) give_null(ret);
  else if (!is_text(text)) done = fail(err, SQLITE_MISMATCH, "slug: the argument must be text");
  else slug(&text->val.text, ret);
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return done;
}
