/*
** Describes itself by what the tests write after its labels: each has room for 200 bytes, the last of which are zero.
** Its function of that name takes one argument and traps.
*/
#include "minimal.h"
#define WORLD(name) minimal_##name
#include "guest.h"

typedef struct { char label[8]; char text[200]; } Place;
static volatile Place name = {"NAME...:", "forger"}, version = {"VERSION:", "1.0.0"},
                      function = {"FUNCTION", "forged"}, message = {"MESSAGE:", "as asked"};

enum { FORGED, FAIL, LOG, FUNCTIONS };

static void put(minimal_string_t *ret, volatile const Place *place) {
  size_t len = 0;
  while (len < sizeof place->text && place->text[len]) len++;
  ret->ptr = malloc(len ? len : 1);
  ret->len = len;
  if (!ret->ptr) abort();
  for (size_t i = 0; i < len; i++) ret->ptr[i] = place->text[i];
}

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  put(&ret->name, &name);
  put(&ret->version, &version);
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  static const Function functions[FUNCTIONS] = {{"", 1, 0}, {"forge_fail", 0, 0}, {"forge_log", 0, 0}};
  describe_functions(functions, FUNCTIONS, ret);
  put(&ret->ptr[FORGED].name, &function);
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  minimal_string_t text;
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  if (id == FORGED) __builtin_trap();
  put(&text, &message);
  if (id == LOG) {
    sqlite_extension_logging_log(SQLITE_EXTENSION_LOGGING_LEVEL_INFO, &text);
    minimal_string_free(&text);
    return give_integer(ret, 1);
  }
  err->code = err->extended_code = 1;
  err->message = text;
  return false;
}
