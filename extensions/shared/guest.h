/*
** Values, errors and functions for extensions. Avoid stdio, because it adds imports of WASI, which the user would have
** to grant.
**
** WORLD(x) adds the prefix of the world's bindings to x. A source defines it first, or its folder has a file world.h.
*/
#ifndef GUEST_H
#define GUEST_H
#ifndef WORLD
#include "world.h"
#endif
#include <stdlib.h>
#include <string.h>

typedef WORLD(string_t) String;
typedef sqlite_extension_types_sql_value_t Value;
typedef sqlite_extension_types_sqlite_error_t Error;

/* Result codes: https://www.sqlite.org/rescode.html */
enum {
  SQLITE_ERROR = 1, SQLITE_READONLY = 8, SQLITE_NOTFOUND = 12, SQLITE_CONSTRAINT = 19, SQLITE_MISMATCH = 20,
  SQLITE_MISUSE = 21, SQLITE_NOTICE = 27,
};

/* The tags of values. */
enum {
  NONE = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL,
  INTEGER = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER,
  REAL = SQLITE_EXTENSION_TYPES_SQL_VALUE_REAL,
  TEXT = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT,
  BLOB = SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB,
};

/*
** Allocates memory, or traps if there is none. Returns NULL for size 0, because the bindings do not free empty lists.
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

/* Allocates memory that is all zero. */
static inline void *allocate_zeroed(size_t size) {
  void *memory = allocate(size);
  return size ? memset(memory, 0, size) : NULL;
}

static inline void *copy_bytes(const void *bytes, size_t len) {
  void *copy = allocate(len);
  return len ? memcpy(copy, bytes, len) : NULL;
}

/* Makes the SQL statement fail with a result code and a message, which should say what was wrong and what was
** expected. */
static inline bool fail(Error *err, int32_t code, const char *message) {
  err->code = code;
  err->extended_code = code;
  WORLD(string_dup)(&err->message, message);
  return false;
}

static inline bool is_null(const Value *v) { return v->tag == NONE; }
static inline bool is_text(const Value *v) { return v->tag == TEXT; }
static inline bool is_blob(const Value *v) { return v->tag == BLOB; }
static inline bool is_integer(const Value *v) { return v->tag == INTEGER; }

/* These functions set a result, which the caller owns, and return true. Bytes are copied. */
static inline bool give_null(Value *ret) {
  ret->tag = NONE;
  return true;
}
static inline bool give_integer(Value *ret, int64_t n) {
  ret->tag = INTEGER;
  ret->val.integer = n;
  return true;
}
static inline bool give_real(Value *ret, double x) {
  ret->tag = REAL;
  ret->val.real = x;
  return true;
}
static inline bool give_bytes(Value *ret, int tag, const void *bytes, size_t len) {
  ret->tag = tag;
  ret->val.text.ptr = copy_bytes(bytes, len); /* a blob has the same shape */
  ret->val.text.len = len;
  return true;
}
static inline bool give_text(Value *ret, const char *text) { return give_bytes(ret, TEXT, text, strlen(text)); }
static inline bool give_string(Value *ret, const String *text) { return give_bytes(ret, TEXT, text->ptr, text->len); }

/* Copies a value and its bytes. */
static inline Value copy_of(const Value *v) {
  Value copy = *v;
  if (v->tag == TEXT || v->tag == BLOB) copy.val.text.ptr = copy_bytes(v->val.text.ptr, v->val.text.len);
  return copy;
}

/* A function of an extension: its name, the number of arguments (-1 for any), and its flags. */
typedef struct {
  const char *name;
  int32_t args;
  int options;
} Function;

/* Describes functions. The id of a function is its index. */
#define DESCRIBE_FUNCTIONS(functions, count, ret)                                                                  \
  do {                                                                                                             \
    (ret)->len = (count);                                                                                          \
    (ret)->ptr = allocate((count) * sizeof *(ret)->ptr);                                                           \
    for (size_t i = 0; i < (count); i++) {                                                                         \
      (ret)->ptr[i].id = i;                                                                                        \
      WORLD(string_dup)(&(ret)->ptr[i].name, (functions)[i].name);                                                 \
      (ret)->ptr[i].num_args = (functions)[i].args;                                                                \
      (ret)->ptr[i].options = (functions)[i].options;                                                              \
    }                                                                                                              \
  } while (0)

#ifdef EXPORTS_SQLITE_EXTENSION_SCALAR_FUNCTION_FUNCTION_FLAGS_DETERMINISTIC
#define SCALAR(flag) EXPORTS_SQLITE_EXTENSION_SCALAR_FUNCTION_FUNCTION_FLAGS_##flag

static inline void describe_functions(
  const Function *functions, size_t count, exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  DESCRIBE_FUNCTIONS(functions, count, ret);
}
#endif

#ifdef EXPORTS_SQLITE_EXTENSION_AGGREGATE_FUNCTION_FUNCTION_FLAGS_DETERMINISTIC
#define AGGREGATE(flag) EXPORTS_SQLITE_EXTENSION_AGGREGATE_FUNCTION_FUNCTION_FLAGS_##flag

static inline void describe_aggregates(
  const Function *functions, size_t count, exports_sqlite_extension_aggregate_function_list_function_spec_t *ret
) {
  DESCRIBE_FUNCTIONS(functions, count, ret);
}
#endif
#endif
