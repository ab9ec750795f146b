/*
** listargs(...): the arguments with which it was called, one a row, as a table-valued function gets them.
**
**     SELECT position, value, type FROM listargs('a', 2.5, NULL);
**
** Its arguments are hidden columns, arg1 to arg16; those that a query does not name are not listed.
*/
#include "tabular.h"
#include <stdlib.h>
#include <string.h>

typedef exports_sqlite_extension_virtual_table_sql_value_t Value;
typedef exports_sqlite_extension_virtual_table_sqlite_error_t Error;
typedef exports_sqlite_extension_virtual_table_batch_t Batch;

enum { POSITION, VALUE, TYPE, FIRST_ARGUMENT, MOST_ARGUMENTS = 16, COLUMNS = FIRST_ARGUMENT + MOST_ARGUMENTS };
enum { EQ = 2 }; /* SQLITE_INDEX_CONSTRAINT_EQ */

/* A scan. Its address is the number by which the host knows it. */
typedef struct {
  uint32_t given; /* a bit for each argument */
  uint32_t read;  /* a bit for each whose hidden column is wanted */
  Value arguments[MOST_ARGUMENTS];
  int next;
} Cursor;

static Cursor *cursor_of(uint32_t number) { return (Cursor *)(uintptr_t)number; }

static void *allocate(size_t size) {
  if (size == 0) return NULL; /* nobody would free it */
  void *memory = malloc(size);
  if (!memory) abort();
  return memory;
}

static Value copy(const Value *value) {
  Value made = *value;
  if (value->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT || value->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB) {
    made.val.blob.ptr = allocate(value->val.blob.len); /* a text has the same shape */
    memcpy(made.val.blob.ptr, value->val.blob.ptr, value->val.blob.len);
  }
  return made;
}

static void clear(Cursor *cursor) {
  for (int i = 0; i < MOST_ARGUMENTS; i++) {
    exports_sqlite_extension_virtual_table_sql_value_free(&cursor->arguments[i]);
  }
  memset(cursor, 0, sizeof *cursor); /* a value of zeros is NULL */
}

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  tabular_string_dup(&ret->name, "listargs");
  tabular_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_virtual_table_describe(
  exports_sqlite_extension_virtual_table_list_module_spec_t *ret
) {
  ret->len = 1;
  ret->ptr = allocate(sizeof *ret->ptr);
  memset(ret->ptr, 0, sizeof *ret->ptr);
  tabular_string_dup(&ret->ptr->name, "listargs");
  ret->ptr->options = EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_EPONYMOUS |
                      EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_INNOCUOUS;
}

bool exports_sqlite_extension_virtual_table_connect(
  uint64_t module, exports_sqlite_extension_virtual_table_connection_kind_t kind, tabular_list_string_t *args,
  exports_sqlite_extension_virtual_table_table_schema_t *ret, Error *err
) {
  (void)module, (void)kind, (void)err;
  tabular_list_string_free(args);
  ret->table = 0;
  tabular_string_dup(
    &ret->declaration,
    "CREATE TABLE x(position INTEGER, value, type TEXT, "
    "arg1 HIDDEN, arg2 HIDDEN, arg3 HIDDEN, arg4 HIDDEN, arg5 HIDDEN, arg6 HIDDEN, arg7 HIDDEN, arg8 HIDDEN, "
    "arg9 HIDDEN, arg10 HIDDEN, arg11 HIDDEN, arg12 HIDDEN, arg13 HIDDEN, arg14 HIDDEN, arg15 HIDDEN, arg16 HIDDEN)"
  );
  return true;
}

void exports_sqlite_extension_virtual_table_disconnect(uint32_t table) { (void)table; }

bool exports_sqlite_extension_virtual_table_destroy(uint32_t table, Error *err) {
  (void)table, (void)err;
  return true;
}

/*
** The plan's number says which arguments come, in their order, and which hidden columns are read. A term that is not
** usable yet makes the plan dear, so that SQLite puts the table it comes from outside.
*/
bool exports_sqlite_extension_virtual_table_best_index(
  uint32_t table, exports_sqlite_extension_virtual_table_index_query_t *query,
  exports_sqlite_extension_virtual_table_option_index_plan_t *ret, Error *err
) {
  (void)table, (void)err;
  size_t count = query->constraints.len;
  int chosen[MOST_ARGUMENTS];
  uint32_t given = 0, arguments = 0;
  bool waits = false;
  for (size_t i = 0; i < count; i++) {
    const exports_sqlite_extension_virtual_table_index_constraint_t *term = &query->constraints.ptr[i];
    int argument = term->column - FIRST_ARGUMENT;
    if (argument < 0 || term->op != EQ) continue;
    if (!term->usable) waits = true;
    else if (!(given >> argument & 1)) given |= 1u << argument, chosen[argument] = (int)i;
  }
  memset(ret, 0, sizeof *ret);
  ret->is_some = !waits;
  if (!waits) {
    ret->val.usages.len = count;
    ret->val.usages.ptr = allocate(count * sizeof *ret->val.usages.ptr);
    memset(ret->val.usages.ptr, 0, count * sizeof *ret->val.usages.ptr);
    for (int i = 0; i < MOST_ARGUMENTS; i++) {
      if (!(given >> i & 1)) continue;
      ret->val.usages.ptr[chosen[i]].argument = ++arguments;
      ret->val.usages.ptr[chosen[i]].omit = true;
    }
    ret->val.number = (int32_t)(given | (uint32_t)(query->columns_used >> FIRST_ARGUMENT) << 16);
    ret->val.cost = 1;
    ret->val.rows = arguments;
  }
  exports_sqlite_extension_virtual_table_index_query_free(query);
  return true;
}

bool exports_sqlite_extension_virtual_table_open(uint32_t table, uint32_t *ret, Error *err) {
  (void)table, (void)err;
  Cursor *cursor = allocate(sizeof *cursor);
  memset(cursor, 0, sizeof *cursor);
  *ret = (uint32_t)(uintptr_t)cursor;
  return true;
}

void exports_sqlite_extension_virtual_table_close(uint32_t number) {
  clear(cursor_of(number));
  free(cursor_of(number));
}

static void put_row(const Cursor *cursor, int argument, Value *row) {
  static const char *const types[] = {"null", "integer", "real", "text", "blob"};
  const Value *value = &cursor->arguments[argument];
  memset(row, 0, COLUMNS * sizeof *row);
  row[POSITION].tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
  row[POSITION].val.integer = argument + 1;
  row[VALUE] = copy(value);
  row[TYPE].tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
  tabular_string_dup(&row[TYPE].val.text, types[value->tag]);
  for (int i = 0; i < MOST_ARGUMENTS; i++) {
    if (cursor->read >> i & 1) row[FIRST_ARGUMENT + i] = copy(&cursor->arguments[i]);
  }
}

bool exports_sqlite_extension_virtual_table_fetch(uint32_t number, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err;
  Cursor *cursor = cursor_of(number);
  uint32_t left = (uint32_t)__builtin_popcount(cursor->given >> cursor->next);
  uint32_t rows = left < max_rows ? left : max_rows;
  ret->rowids.len = rows;
  ret->rowids.ptr = allocate(rows * sizeof *ret->rowids.ptr);
  ret->values.len = rows * COLUMNS;
  ret->values.ptr = allocate(ret->values.len * sizeof *ret->values.ptr);
  ret->done = rows == left;
  for (uint32_t i = 0; i < rows; cursor->next++) {
    if (!(cursor->given >> cursor->next & 1)) continue;
    put_row(cursor, cursor->next, ret->values.ptr + i * COLUMNS);
    ret->rowids.ptr[i++] = cursor->next + 1;
  }
  return true;
}

bool exports_sqlite_extension_virtual_table_filter(
  uint32_t number, int32_t plan, tabular_string_t *text, exports_sqlite_extension_virtual_table_list_argument_t *args,
  uint32_t max_rows, Batch *ret, Error *err
) {
  Cursor *cursor = cursor_of(number);
  tabular_string_free(text);
  clear(cursor);
  cursor->given = (uint32_t)plan & 0xffff;
  cursor->read = (uint32_t)plan >> 16;
  size_t at = 0;
  for (int i = 0; i < MOST_ARGUMENTS; i++) {
    if (cursor->given >> i & 1) cursor->arguments[i] = copy(&args->ptr[at++].val.value);
  }
  exports_sqlite_extension_virtual_table_list_argument_free(args);
  return exports_sqlite_extension_virtual_table_fetch(number, max_rows, ret, err);
}
