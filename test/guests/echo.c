/* Functions for the tests of values, errors and speed. */
#include "minimal.h"
#include <stdlib.h>

typedef exports_sqlite_extension_scalar_function_sql_value_t Value;
typedef exports_sqlite_extension_scalar_function_sqlite_error_t Error;

enum { INC, ECHO, CONCAT_ALL, PAIR1, PAIR2, BOOM, FAIL, BADTAG, DET, FUNCTIONS };

static const struct {
  const char *name;
  int32_t args;
} functions[FUNCTIONS] = {
  [INC] = {"inc", 1},   [ECHO] = {"echo", 1}, [CONCAT_ALL] = {"concat_all", -1},
  [PAIR1] = {"pair", 1}, [PAIR2] = {"pair", 2}, [BOOM] = {"boom", 0},
  [FAIL] = {"fail", 0}, [BADTAG] = {"badtag", 0}, [DET] = {"det", 1},
};

/* The exports of the bindings, which all write their results to the same address. */
uint8_t *__wasm_export_exports_sqlite_extension_metadata_describe(void);

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  minimal_string_dup(&ret->name, "echo");
  minimal_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  ret->len = FUNCTIONS;
  ret->ptr = malloc(FUNCTIONS * sizeof *ret->ptr);
  if (!ret->ptr) abort();
  for (int i = 0; i < FUNCTIONS; i++) {
    ret->ptr[i].id = i;
    minimal_string_dup(&ret->ptr[i].name, functions[i].name);
    ret->ptr[i].num_args = functions[i].args;
    ret->ptr[i].options =
      i == DET ? EXPORTS_SQLITE_EXTENSION_SCALAR_FUNCTION_FUNCTION_FLAGS_DETERMINISTIC : 0;
  }
}

/* Joins the texts and blobs among the arguments to one text. */
static void concat(const Value *args, size_t count, Value *ret) {
  size_t len = 0, at = 0;
  for (size_t i = 0; i < count; i++) {
    if (args[i].tag >= SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT) len += args[i].val.text.len;
  }
  uint8_t *bytes = len ? malloc(len) : NULL;
  if (len && !bytes) abort();
  for (size_t i = 0; i < count; i++) {
    if (args[i].tag < SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT) continue;
    for (size_t j = 0; j < args[i].val.text.len; j++) bytes[at++] = args[i].val.text.ptr[j];
  }
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
  ret->val.text = (minimal_string_t){bytes, len};
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  bool done = true;
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
  switch (id) {
    case INC:
    case DET:
      ret->val.integer = args->ptr[0].val.integer + 1;
      if (args->ptr[0].tag != ret->tag) ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL;
      break;
    case ECHO:
      *ret = args->ptr[0];
      args->ptr[0].tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL; /* its bytes are the result's now */
      break;
    case CONCAT_ALL:
      concat(args->ptr, args->len, ret);
      break;
    case PAIR1:
    case PAIR2:
      ret->val.integer = args->len;
      break;
    case BADTAG:
      /* No case of the bindings' switch matches 9, so they do not overwrite this byte. */
      __wasm_export_exports_sqlite_extension_metadata_describe()[8] = 9;
      ret->tag = 9;
      break;
    case FAIL:
      err->code = err->extended_code = 1;
      minimal_string_dup(&err->message, "failed as asked");
      done = false;
      break;
    default:
      __builtin_trap();
  }
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return done;
}
