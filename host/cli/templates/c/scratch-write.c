/* Scratch tables: changes and rollback. */
#include "scratch.h"

typedef exports_sqlite_extension_writable_table_list_sql_value_t Values;
typedef exports_sqlite_extension_writable_table_conflict_mode_t Mode;

static bool is_there(const Rows *rows, size_t place, int64_t rowid) {
  return place < rows->count && rows->rows[place].rowid == rowid;
}

static void take_out(Table *table, size_t place) {
  Rows one = {.rows = allocate(sizeof(Row)), .count = 1};
  one.rows[0] = table->rows.rows[place];
  free_rows(table, &one);
  table->rows.count--;
  memmove(
    table->rows.rows + place, table->rows.rows + place + 1, (table->rows.count - place) * sizeof(Row)
  );
}

/* Inserts a row. The table takes ownership of the values. */
static bool put_in(Table *table, int64_t rowid, Values *values, Mode mode, Error *err) {
  Rows *rows = &table->rows;
  size_t place = place_of(rows, rowid);
  if (is_there(rows, place, rowid)) {
    if (mode != EXPORTS_SQLITE_EXTENSION_WRITABLE_TABLE_CONFLICT_MODE_REPLACE) {
      exports_sqlite_extension_writable_table_list_sql_value_free(values);
      return fail(err, SQLITE_CONSTRAINT, "scratch: a row with this rowid exists already");
    }
    take_out(table, place);
  }
  rows->rows = reallocate(rows->rows, (rows->count + 1) * sizeof(Row));
  memmove(rows->rows + place + 1, rows->rows + place, (rows->count - place) * sizeof(Row));
  rows->rows[place] = (Row){rowid, values->ptr};
  rows->count++;
  return true;
}

bool exports_sqlite_extension_writable_table_insert(
  uint32_t number, int64_t *maybe_rowid, Values *values, Mode mode, int64_t *ret, Error *err
) {
  Table *table = table_of(number);
  const Rows *rows = &table->rows;
  int64_t last = rows->count > 0 ? rows->rows[rows->count - 1].rowid : 0;
  if (!maybe_rowid && last == INT64_MAX) {
    exports_sqlite_extension_writable_table_list_sql_value_free(values);
    return fail(err, SQLITE_CONSTRAINT, "scratch: no rowid is left after the last one");
  }
  *ret = maybe_rowid ? *maybe_rowid : last + 1;
  return put_in(table, *ret, values, mode, err);
}

bool exports_sqlite_extension_writable_table_delete(uint32_t number, int64_t rowid, Error *err) {
  (void)err;
  Table *table = table_of(number);
  size_t place = place_of(&table->rows, rowid);
  if (is_there(&table->rows, place, rowid)) take_out(table, place);
  return true;
}

bool exports_sqlite_extension_writable_table_update(
  uint32_t number, int64_t rowid, int64_t new_rowid,
  exports_sqlite_extension_writable_table_list_option_sql_value_t *changed, Mode mode, Error *err
) {
  Table *table = table_of(number);
  const Row *old = &table->rows.rows[place_of(&table->rows, rowid)];
  Values values = {allocate(table->columns * sizeof(Value)), table->columns};
  for (size_t c = 0; c < table->columns; c++) {
    values.ptr[c] = copy_of(changed->ptr[c].is_some ? &changed->ptr[c].val : &old->values[c]);
  }
  exports_sqlite_extension_writable_table_list_option_sql_value_free(changed);
  if (rowid == new_rowid) mode = EXPORTS_SQLITE_EXTENSION_WRITABLE_TABLE_CONFLICT_MODE_REPLACE;
  if (!put_in(table, new_rowid, &values, mode, err)) return false;
  return rowid == new_rowid || exports_sqlite_extension_writable_table_delete(number, rowid, err);
}

void forget_saved(Table *table, int32_t number) {
  while (table->saved && table->saved->number >= number) {
    Saved *top = table->saved;
    table->saved = top->below;
    free_rows(table, &top->rows);
    free(top);
  }
}

static Rows copy_rows(const Table *table) {
  Rows copy = {.rows = allocate(table->rows.count * sizeof(Row)), .count = table->rows.count};
  for (size_t i = 0; i < copy.count; i++) {
    const Row *row = &table->rows.rows[i];
    copy.rows[i] = (Row){row->rowid, allocate(table->columns * sizeof(Value))};
    for (size_t c = 0; c < table->columns; c++) copy.rows[i].values[c] = copy_of(&row->values[c]);
  }
  return copy;
}

bool exports_sqlite_extension_writable_table_savepoint(uint32_t number, int32_t savepoint, Error *err) {
  (void)err;
  Table *table = table_of(number);
  forget_saved(table, savepoint);
  Saved *saved = allocate(sizeof *saved);
  *saved = (Saved){savepoint, copy_rows(table), table->saved};
  table->saved = saved;
  return true;
}

bool exports_sqlite_extension_writable_table_release(uint32_t number, int32_t savepoint, Error *err) {
  (void)err;
  forget_saved(table_of(number), savepoint);
  return true;
}

/* The savepoint stays open, so its rows are copied. */
bool exports_sqlite_extension_writable_table_rollback_to(uint32_t number, int32_t savepoint, Error *err) {
  Table *table = table_of(number);
  /*
   * A savepoint before the table's first change is unknown. Its rows are the rows at the beginning of the transaction.
   */
  while (table->saved && table->saved->below && table->saved->number > savepoint) {
    forget_saved(table, table->saved->number);
  }
  if (!table->saved) return true;
  free_rows(table, &table->rows);
  table->rows = table->saved->rows;
  table->saved->rows = (Rows){0};
  table->saved->rows = copy_rows(table);
  (void)err;
  return true;
}

bool exports_sqlite_extension_writable_table_begin(uint32_t number, Error *err) {
  return exports_sqlite_extension_writable_table_savepoint(number, -1, err);
}

bool exports_sqlite_extension_writable_table_sync(uint32_t number, Error *err) {
  (void)number, (void)err;
  return true;
}

void exports_sqlite_extension_writable_table_commit(uint32_t number) { forget_saved(table_of(number), -1); }

void exports_sqlite_extension_writable_table_rollback(uint32_t number) {
  Error err;
  exports_sqlite_extension_writable_table_rollback_to(number, -1, &err);
  forget_saved(table_of(number), -1);
}

bool exports_sqlite_extension_writable_table_rename(uint32_t number, String *new_name, Error *err) {
  (void)err;
  Table *table = table_of(number);
  char *old = table->name;
  size_t database = (size_t)(strchr(old, '.') - old);
  table->name = full_name(old, database, (const char *)new_name->ptr, new_name->len);
  free(old);
  WORLD(string_free)(new_name);
  return true;
}

bool exports_sqlite_extension_writable_table_integrity(
  uint32_t number, bool quick, WORLD(option_string_t) *ret, Error *err
) {
  (void)number, (void)quick, (void)err;
  ret->is_some = false;
  return true;
}
