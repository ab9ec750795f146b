/* Prints with wasi-libc's streams, which import WASI. */
#include "minimal.h"
#include <stdio.h>
#include <stdlib.h>

enum { SAY, GROW, FUNCTIONS };

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  minimal_string_dup(&ret->name, "stdio");
  minimal_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  static const char *const names[FUNCTIONS] = {"say", "grow"};
  ret->len = FUNCTIONS;
  ret->ptr = malloc(FUNCTIONS * sizeof *ret->ptr);
  if (!ret->ptr) abort();
  for (int i = 0; i < FUNCTIONS; i++) {
    ret->ptr[i].id = i;
    minimal_string_dup(&ret->ptr[i].name, names[i]);
    ret->ptr[i].num_args = 1;
    ret->ptr[i].options = 0;
  }
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args,
  exports_sqlite_extension_scalar_function_sql_value_t *ret,
  exports_sqlite_extension_scalar_function_sqlite_error_t *err
) {
  (void)err;
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
  ret->val.integer = 1;
  if (id == SAY) {
    minimal_string_t text = args->ptr[0].val.text;
    printf("said: %.*s\n", (int)text.len, (const char *)text.ptr);
    fflush(stdout);
  } else {
    /* How many of these megabytes could be allocated, one by one. */
    int64_t wanted = args->ptr[0].val.integer, got = 0;
    char *last = 0;
    while (got < wanted) {
      char *block = malloc(1 << 20);
      if (!block) break;
      block[0] = 1;
      *(char **)(block + 8) = last;
      last = block;
      got++;
    }
    while (last) {
      char *before = *(char **)(last + 8);
      free(last);
      last = before;
    }
    ret->val.integer = got;
  }
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return true;
}
