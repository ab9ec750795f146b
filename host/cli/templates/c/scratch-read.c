/* Scratch tables: making them, and reading. */
#include "scratch.h"

static Table *tables;

Value copy_value(const Value *value) {
  Value copy = *value;
  if (value->tag == TEXT || value->tag == BLOB) {
    copy.val.blob.ptr = allocate(value->val.blob.len); /* a text has the same shape */
    memcpy(copy.val.blob.ptr, value->val.blob.ptr, value->val.blob.len);
  }
  return copy;
}

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

void exports_sqlite_extension_virtual_table_describe(
  exports_sqlite_extension_virtual_table_list_module_spec_t *ret
) {
  ret->len = 1;
  ret->ptr = allocate(sizeof *ret->ptr);
  ret->ptr[0].id = 0;
  WORLD_string_dup(&ret->ptr[0].name, "scratch");
  ret->ptr[0].options = EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_CREATABLE |
                        EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_WRITABLE |
                        EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_TRANSACTIONAL |
                        EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_SAVEPOINTS;
  ret->ptr[0].shadow_names.ptr = NULL;
  ret->ptr[0].shadow_names.len = 0;
}

/* The arguments of CREATE VIRTUAL TABLE are its columns; they are behind the database and the table's name. */
static void declare(const WORLD_list_string_t *args, String *declaration) {
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
  WORLD_string_dup_n(declaration, text, at);
  free(text);
}

bool exports_sqlite_extension_virtual_table_connect(
  uint64_t module, exports_sqlite_extension_virtual_table_connection_kind_t kind, WORLD_list_string_t *args,
  exports_sqlite_extension_virtual_table_table_schema_t *ret, Error *err
) {
  (void)module;
  if (args->len < 3) {
    WORLD_list_string_free(args);
    return fail(err, CODE_ERROR, "scratch: name the columns, as in USING scratch(name, price)");
  }
  char *name = full_name(
    (const char *)args->ptr[0].ptr, args->ptr[0].len, (const char *)args->ptr[1].ptr, args->ptr[1].len
  );
  Table *table = tables;
  while (table && strcmp(table->name, name) != 0) table = table->next;
  /* One of that name is left if a CREATE was rolled back, or if it was dropped. */
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
  WORLD_list_string_free(args);
  return true;
}

void exports_sqlite_extension_virtual_table_disconnect(uint32_t table) { (void)table; }

bool exports_sqlite_extension_virtual_table_destroy(uint32_t table, Error *err) {
  (void)table, (void)err; /* kept: if the DROP is rolled back, the table is connected again */
  return true;
}

/* Always all rows: SQLite checks the terms itself. */
bool exports_sqlite_extension_virtual_table_best_index(
  uint32_t table, exports_sqlite_extension_virtual_table_index_query_t *query,
  exports_sqlite_extension_virtual_table_option_index_plan_t *ret, Error *err
) {
  (void)err;
  exports_sqlite_extension_virtual_table_index_query_free(query);
  memset(ret, 0, sizeof *ret);
  ret->is_some = true;
  ret->val.rows = table_of(table)->rows.count;
  ret->val.cost = (double)ret->val.rows;
  return true;
}

/* A scan: the rowid to go on from, so that rows may come and go meanwhile. */
typedef struct {
  Table *table;
  int64_t next;
  bool done;
} Cursor;

bool exports_sqlite_extension_virtual_table_open(uint32_t table, uint32_t *ret, Error *err) {
  (void)err;
  Cursor *cursor = allocate(sizeof *cursor);
  *cursor = (Cursor){.table = table_of(table)};
  *ret = (uint32_t)(uintptr_t)cursor;
  return true;
}

void exports_sqlite_extension_virtual_table_close(uint32_t cursor) { free((Cursor *)(uintptr_t)cursor); }

bool exports_sqlite_extension_virtual_table_fetch(
  uint32_t number, uint32_t max_rows, exports_sqlite_extension_virtual_table_batch_t *ret, Error *err
) {
  (void)err;
  Cursor *cursor = (Cursor *)(uintptr_t)number;
  const Table *table = cursor->table;
  size_t from = cursor->done ? table->rows.count : place_of(&table->rows, cursor->next);
  size_t left = table->rows.count - from, rows = left < max_rows ? left : max_rows;
  ret->rowids.len = rows;
  ret->rowids.ptr = allocate(rows * sizeof *ret->rowids.ptr);
  ret->values.len = rows * table->columns;
  ret->values.ptr = allocate(ret->values.len * sizeof *ret->values.ptr);
  ret->done = rows == left;
  for (size_t i = 0; i < rows; i++) {
    const Row *row = &table->rows.rows[from + i];
    ret->rowids.ptr[i] = row->rowid;
    for (size_t c = 0; c < table->columns; c++) {
      ret->values.ptr[i * table->columns + c] = copy_value(&row->values[c]);
    }
    cursor->done = row->rowid == INT64_MAX;
    cursor->next = cursor->done ? row->rowid : row->rowid + 1;
  }
  return true;
}

bool exports_sqlite_extension_virtual_table_filter(
  uint32_t number, int32_t plan, String *plan_text,
  exports_sqlite_extension_virtual_table_list_argument_t *args, uint32_t max_rows,
  exports_sqlite_extension_virtual_table_batch_t *ret, Error *err
) {
  (void)plan;
  Cursor *cursor = (Cursor *)(uintptr_t)number;
  WORLD_string_free(plan_text);
  exports_sqlite_extension_virtual_table_list_argument_free(args);
  cursor->next = INT64_MIN;
  cursor->done = false;
  return exports_sqlite_extension_virtual_table_fetch(number, max_rows, ret, err);
}
