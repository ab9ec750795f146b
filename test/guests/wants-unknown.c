/* Imports acme:things/stuff@1.0.0, which no host offers. */
#include "minimal.h"
#include <stdlib.h>

__attribute__((import_module("acme:things/stuff@1.0.0"), import_name("get")))
extern int32_t wanted(void);

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  minimal_string_dup(&ret->name, "wants-unknown");
  minimal_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  ret->len = 1;
  ret->ptr = malloc(sizeof *ret->ptr);
  if (!ret->ptr) abort();
  ret->ptr->id = 0;
  minimal_string_dup(&ret->ptr->name, "wants_unknown");
  ret->ptr->num_args = 0;
  ret->ptr->options = 0;
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args,
  exports_sqlite_extension_scalar_function_sql_value_t *ret,
  exports_sqlite_extension_scalar_function_sqlite_error_t *err
) {
  (void)id, (void)args, (void)err;
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
  ret->val.integer = wanted();
  return true;
}
