/*
** A table-valued function: one table, whose hidden columns are the arguments. Before including this file, define
**
**     #define TABLE_NAME "words"
**     #define TABLE_DECLARATION "CREATE TABLE x(word TEXT, text HIDDEN)"
**     typedef struct { ... } Cursor;       a scan: all zero until filter is called
**     static void clear(Cursor *cursor);   frees what a scan holds
**
** and after including it, define best_index, filter and fetch.
*/
#include "table.h"

void VT(describe)(VT(list_module_spec_t) *ret) {
  describe_module(TABLE_NAME, MODULE(EPONYMOUS) | MODULE(INNOCUOUS), ret);
}

bool VT(connect)(uint64_t module, VT(connection_kind_t) kind, Strings *args, VT(table_schema_t) *ret, Error *err) {
  (void)module, (void)kind, (void)err;
  WORLD(list_string_free)(args);
  ret->table = 0; /* all tables of this module are the same */
  WORLD(string_dup)(&ret->declaration, TABLE_DECLARATION);
  return true;
}

void VT(disconnect)(uint32_t table) { (void)table; }

bool VT(destroy)(uint32_t table, Error *err) {
  (void)table, (void)err;
  return true;
}

/* The number of a scan is its address. */
static Cursor *cursor_of(uint32_t number) { return (Cursor *)(uintptr_t)number; }

bool VT(open)(uint32_t table, uint32_t *ret, Error *err) {
  (void)table, (void)err;
  *ret = (uint32_t)(uintptr_t)allocate_zeroed(sizeof(Cursor));
  return true;
}

void VT(close)(uint32_t number) {
  clear(cursor_of(number));
  free(cursor_of(number));
}
