/* Scratch tables: creating and reading. */
#include "scratch.h"

static Table *tables;

void free_rows(Table *table, Rows *rows) {
  for (size_t i = 0; i < rows->count; i++) {
    for (size_t c = 0; c < table->columns; c++) sqlite_extension_types_sql_value_free(&rows->rows[i].values[c]);
    free(rows->rows[i].values);
  }
  free(rows->rows);
  *rows = (Rows){0};
}

size_t place_of(const Rows *rows, int64_t rowid) {
  size_t low = 0, high = rows->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (rows->rows[middle].rowid < rowid) low = middle + 1;
    else high = middle;
  }
  return low;
}

char *full_name(const char *database, size_t database_len, const char *name, size_t name_len) {
  char *full = allocate(database_len + name_len + 2);
  memcpy(full, database, database_len);
  full[database_len] = '.';
  memcpy(full + database_len + 1, name, name_len);
  full[database_len + 1 + name_len] = 0;
  return full;
}

static void drop_table(Table *table) {
  Table **at = &tables;
  while (*at != table) at = &(*at)->next;
  *at = table->next;
  forget_saved(table, -1);
  free_rows(table, &table->rows);
  free(table->name);
  free(table);
}

void VT(describe)(VT(list_module_spec_t) *ret) {
  describe_module(
    "scratch", MODULE(CREATABLE) | MODULE(WRITABLE) | MODULE(TRANSACTIONAL) | MODULE(SAVEPOINTS), ret
  );
}

/* The arguments of CREATE VIRTUAL TABLE are the columns. They follow the database name and the table name. */
static void declare(const Strings *args, String *declaration) {
  size_t len = 16;
  for (size_t i = 2; i < args->len; i++) len += args->ptr[i].len + 1;
  char *text = allocate(len);
  memcpy(text, "CREATE TABLE x(", 15);
  size_t at = 15;
  for (size_t i = 2; i < args->len; i++) {
    if (i > 2) text[at++] = ',';
    memcpy(text + at, args->ptr[i].ptr, args->ptr[i].len);
    at += args->ptr[i].len;
  }
  text[at++] = ')';
  WORLD(string_dup_n)(declaration, text, at);
  free(text);
}

bool VT(connect)(uint64_t module, VT(connection_kind_t) kind, Strings *args, VT(table_schema_t) *ret, Error *err) {
  (void)module;
  if (args->len < 3) {
    WORLD(list_string_free)(args);
    return fail(err, SQLITE_ERROR, "scratch: name the columns, as in USING scratch(name, price)");
  }
  char *name = full_name(
    (const char *)args->ptr[0].ptr, args->ptr[0].len, (const char *)args->ptr[1].ptr, args->ptr[1].len
  );
  Table *table = tables;
  while (table && strcmp(table->name, name) != 0) table = table->next;
  /* A table of that name is left if its CREATE was rolled back, or if it was dropped. */
  if (table && kind == EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_CONNECTION_KIND_CREATE) {
    drop_table(table);
    table = NULL;
  }
  if (table) {
    free(name);
  } else {
    table = allocate(sizeof *table);
    *table = (Table){.name = name, .columns = args->len - 2, .next = tables};
    tables = table;
  }
  ret->table = (uint32_t)(uintptr_t)table;
  declare(args, &ret->declaration);
  WORLD(list_string_free)(args);
  return true;
}

void VT(disconnect)(uint32_t table) { (void)table; }

bool VT(destroy)(uint32_t table, Error *err) {
  (void)table, (void)err; /* kept, because the table is connected again if the DROP is rolled back */
  return true;
}

/* The plan always returns all rows, and SQLite checks the constraints itself. */
bool VT(best_index)(uint32_t table, Query *query, OptionalPlan *ret, Error *err) {
  (void)err;
  Plan *plan = begin_plan(query, ret);
  plan->rows = table_of(table)->rows.count;
  plan->cost = (double)plan->rows;
  VT(index_query_free)(query);
  return true;
}

/* A scan. It stores the next rowid, so that rows can be inserted and deleted meanwhile. */
typedef struct {
  Table *table;
  int64_t next;
  bool done;
} Cursor;

bool VT(open)(uint32_t table, uint32_t *ret, Error *err) {
  (void)err;
  Cursor *cursor = allocate(sizeof *cursor);
  *cursor = (Cursor){.table = table_of(table)};
  *ret = (uint32_t)(uintptr_t)cursor;
  return true;
}

void VT(close)(uint32_t cursor) { free((Cursor *)(uintptr_t)cursor); }

bool VT(fetch)(uint32_t number, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err;
  Cursor *cursor = (Cursor *)(uintptr_t)number;
  const Table *table = cursor->table;
  size_t from = cursor->done ? table->rows.count : place_of(&table->rows, cursor->next);
  size_t left = table->rows.count - from, rows = left < max_rows ? left : max_rows;
  Value *values = begin_batch(ret, rows, table->columns);
  ret->done = rows == left;
  for (size_t i = 0; i < rows; i++) {
    const Row *row = &table->rows.rows[from + i];
    ret->rowids.ptr[i] = row->rowid;
    for (size_t c = 0; c < table->columns; c++) *values++ = copy_of(&row->values[c]);
    cursor->done = row->rowid == INT64_MAX;
    cursor->next = cursor->done ? row->rowid : row->rowid + 1;
  }
  return true;
}

bool VT(filter)(
  uint32_t number, int32_t plan, String *plan_text, Arguments *args, uint32_t max_rows, Batch *ret, Error *err
) {
  (void)plan;
  Cursor *cursor = (Cursor *)(uintptr_t)number;
  WORLD(string_free)(plan_text);
  VT(list_argument_free)(args);
  cursor->next = INT64_MIN;
  cursor->done = false;
  return VT(fetch)(number, max_rows, ret, err);
}
