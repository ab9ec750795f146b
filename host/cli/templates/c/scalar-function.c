/* slug(text): lower case, with everything except letters and digits replaced by hyphens; for parts of URLs. */
#include "guest.h"

enum { SLUG, FUNCTIONS };

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  ret->len = FUNCTIONS;
  ret->ptr = allocate(FUNCTIONS * sizeof *ret->ptr);
  ret->ptr[SLUG].id = SLUG;
  WORLD_string_dup(&ret->ptr[SLUG].name, "slug");
  ret->ptr[SLUG].num_args = 1;
  ret->ptr[SLUG].options = EXPORTS_SQLITE_EXTENSION_SCALAR_FUNCTION_FUNCTION_FLAGS_DETERMINISTIC |
                           EXPORTS_SQLITE_EXTENSION_SCALAR_FUNCTION_FUNCTION_FLAGS_INNOCUOUS;
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
  if (len == 0) free(out); /* nobody frees a text of no bytes */
  ret->tag = TEXT;
  ret->val.text.ptr = out; /* the caller frees it */
  ret->val.text.len = len;
}

/* `args` are ours to free; the result's text and the error's message are the caller's. */
bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  const Value *text = &args->ptr[0];
  bool done = true;
  if (id != SLUG || args->len != 1) done = fail(err, CODE_ERROR, "EXTENSION_NAME has no such function");
  else if (text->tag == NONE) ret->tag = NONE;
  else if (text->tag != TEXT) done = fail(err, CODE_MISMATCH, "slug: the argument must be text");
  else slug(&text->val.text, ret);
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return done;
}
