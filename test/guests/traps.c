/* Traps when asked to describe its functions. */
#include "minimal.h"

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  minimal_string_dup(&ret->name, "traps");
  minimal_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  (void)ret;
  __builtin_trap();
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args,
  exports_sqlite_extension_scalar_function_sql_value_t *ret,
  exports_sqlite_extension_scalar_function_sqlite_error_t *err
) {
  (void)id, (void)args, (void)ret, (void)err;
  __builtin_trap();
}
