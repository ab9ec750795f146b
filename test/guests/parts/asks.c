/* The outer half of composed.wasm: an extension that calls another component. */
#include "minimal.h"
#include <stdlib.h>

typedef struct { uint8_t *bytes; uint32_t length; } Text;

__attribute__((import_module("acme:things/text@1.0.0"), import_name("reverse")))
extern void reverse(uint8_t *bytes, uint32_t length, Text *result);

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  minimal_string_dup(&ret->name, "composed");
  minimal_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  ret->len = 1;
  ret->ptr = malloc(sizeof *ret->ptr);
  if (!ret->ptr) abort();
  ret->ptr->id = 0;
  minimal_string_dup(&ret->ptr->name, "reversed");
  ret->ptr->num_args = 1;
  ret->ptr->options = EXPORTS_SQLITE_EXTENSION_SCALAR_FUNCTION_FUNCTION_FLAGS_DETERMINISTIC;
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args,
  exports_sqlite_extension_scalar_function_sql_value_t *ret,
  exports_sqlite_extension_scalar_function_sqlite_error_t *err
) {
  (void)id, (void)err;
  Text text = {0};
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL;
  if (args->ptr[0].tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT) {
    reverse(args->ptr[0].val.text.ptr, args->ptr[0].val.text.len, &text);
    ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
    ret->val.text = (minimal_string_t){text.bytes, text.length};
  }
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return true;
}
