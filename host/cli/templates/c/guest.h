/*
** What the sources of this extension share. Avoid stdio: it adds imports of WASI, which the user
** would have to grant.
*/
#ifndef GUEST_H
#define GUEST_H
#include "WORLD.h"
#include <stdlib.h>
#include <string.h>

typedef WORLD_string_t String;
typedef sqlite_extension_types_sql_value_t Value;
typedef sqlite_extension_types_sqlite_error_t Error;

/* Result codes: https://www.sqlite.org/rescode.html */
enum { CODE_ERROR = 1, CODE_CONSTRAINT = 19, CODE_MISMATCH = 20 };

enum {
  NONE = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL,
  INTEGER = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER,
  REAL = SQLITE_EXTENSION_TYPES_SQL_VALUE_REAL,
  TEXT = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT,
  BLOB = SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB,
};

/*
** Memory, or a trap: an extension that is out of memory cannot go on. No memory for no bytes, since the bindings
** free nothing if a length is 0.
*/
static inline void *allocate(size_t size) {
  if (size == 0) return NULL;
  void *memory = malloc(size);
  if (!memory) abort();
  return memory;
}

static inline void *reallocate(void *memory, size_t size) {
  memory = realloc(memory, size);
  if (!memory) abort();
  return memory;
}

/* Ends the SQL statement with a code of SQLite and a sentence: what was wrong, what was wanted. */
static inline bool fail(Error *err, int32_t code, const char *message) {
  err->code = code;
  err->extended_code = code;
  WORLD_string_dup(&err->message, message);
  return false;
}
#endif
