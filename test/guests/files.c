/* Uses files, variables and exit of the C library. */
#include "minimal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef exports_sqlite_extension_scalar_function_sql_value_t Value;

enum { READ, WRITE, VARIABLE, LEAVE, DELETE, FUNCTIONS };

static const struct {
  const char *name;
  int32_t args;
} functions[FUNCTIONS] = {
  [READ] = {"file_read", 1}, [WRITE] = {"file_write", 2}, [VARIABLE] = {"variable", 1}, [LEAVE] = {"leave", 1},
  [DELETE] = {"file_delete", 1},
};

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  minimal_string_dup(&ret->name, "files");
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
    ret->ptr[i].options = 0;
  }
}

/* Returns the first bytes of a file, or the error. */
static const char *first_bytes(const char *path) {
  static char text[256];
  FILE *file = fopen(path, "r");
  if (!file) return strerror(errno);
  size_t length = fread(text, 1, sizeof text - 1, file);
  text[length] = 0;
  fclose(file);
  return text;
}

static const char *put(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  if (!file) return strerror(errno);
  int failed = fputs(text, file) < 0;
  return fclose(file) || failed ? strerror(errno) : "written";
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret,
  exports_sqlite_extension_scalar_function_sqlite_error_t *err
) {
  (void)err;
  char text[2][256] = {{0}};
  for (size_t i = 0; i < args->len; i++) {
    minimal_string_t given = args->ptr[i].val.text;
    if (args->ptr[i].tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT && given.len < sizeof text[i]) {
      memcpy(text[i], given.ptr, given.len);
    }
  }
  const char *answer = "";
  if (id == READ) answer = first_bytes(text[0]);
  if (id == WRITE) answer = put(text[0], text[1]);
  if (id == VARIABLE) answer = getenv(text[0]) ? getenv(text[0]) : "unset";
  if (id == DELETE) answer = unlink(text[0]) ? strerror(errno) : "deleted";
  if (id == LEAVE) exit(args->ptr[0].val.integer);
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
  minimal_string_dup((minimal_string_t *)&ret->val.text, answer);
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return true;
}
