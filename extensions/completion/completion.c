/*
** completion(prefix, wholeline): words that go on from a prefix, as SQLite's completion table of the shell lists
** them, and functions too.
**
**     SELECT DISTINCT candidate FROM completion('sel', 'sel') ORDER BY 1;
**
** Without a prefix it is the word at the end of the line. The hidden column `phase` says what a candidate is.
*/
#include "tabular.h"
#include <stdlib.h>
#include <string.h>
#include "keywords.h"

typedef exports_sqlite_extension_virtual_table_sql_value_t Value;
typedef exports_sqlite_extension_virtual_table_sqlite_error_t Error;
typedef exports_sqlite_extension_virtual_table_batch_t Batch;
typedef tabular_string_t String;

enum { CANDIDATE, PREFIX, WHOLELINE, PHASE, COLUMNS };
/* The numbers that SQLite's own table has. */
enum { KEYWORD = 1, FUNCTION = 3, DATABASE = 7, TABLE = 8, COLUMN = 9 };
enum { EQ = 2 }; /* SQLITE_INDEX_CONSTRAINT_EQ */

typedef struct {
  String text;
  int phase;
} Candidate;

/* A scan. Its address is the number by which the host knows it. */
typedef struct {
  Candidate *candidates;
  size_t count, room, next;
  String prefix, line;
} Cursor;

static Cursor *cursor_of(uint32_t number) { return (Cursor *)(uintptr_t)number; }

static void *allocate(size_t size) {
  if (size == 0) return NULL; /* nobody would free it */
  void *memory = malloc(size);
  if (!memory) abort();
  return memory;
}

static String copy(const uint8_t *text, size_t len) {
  String made = {allocate(len), len};
  memcpy(made.ptr, text, len);
  return made;
}

static void clear(Cursor *cursor) {
  for (size_t i = 0; i < cursor->count; i++) tabular_string_free(&cursor->candidates[i].text);
  free(cursor->candidates);
  tabular_string_free(&cursor->prefix);
  tabular_string_free(&cursor->line);
  memset(cursor, 0, sizeof *cursor);
}

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

/* Adds a candidate, a copy, where it begins with the prefix in any case. */
static void add(Cursor *cursor, int phase, const uint8_t *text, size_t len) {
  if (len < cursor->prefix.len) return;
  for (size_t i = 0; i < cursor->prefix.len; i++) {
    if (lower(text[i]) != lower(cursor->prefix.ptr[i])) return;
  }
  if (cursor->count == cursor->room) {
    cursor->room = 2 * cursor->room + 64;
    cursor->candidates = realloc(cursor->candidates, cursor->room * sizeof *cursor->candidates);
    if (!cursor->candidates) abort();
  }
  cursor->candidates[cursor->count++] = (Candidate){copy(text, len), phase};
}

/* SQL under construction. */
typedef struct {
  char *text;
  size_t len;
} Sql;

static void append(Sql *sql, const char *text, size_t len) {
  sql->text = realloc(sql->text, sql->len + len + 1);
  if (!sql->text) abort();
  memcpy(sql->text + sql->len, text, len);
  sql->len += len;
}

static void put(Sql *sql, const char *text) { append(sql, text, strlen(text)); }

/* A name between quotes, with those in it doubled. */
static void put_quoted(Sql *sql, const String *name, char quote) {
  append(sql, &quote, 1);
  for (size_t i = 0; i < name->len; i++) {
    if (name->ptr[i] == (uint8_t)quote) append(sql, &quote, 1);
    append(sql, (const char *)name->ptr + i, 1);
  }
  append(sql, &quote, 1);
}

static bool run(const char *text, size_t len, sqlite_extension_spi_query_result_t *result, Error *err) {
  String sql = {(uint8_t *)text, len};
  sqlite_extension_spi_list_sql_value_t none = {NULL, 0};
  return sqlite_extension_spi_execute(&sql, &none, result, err);
}

/* Adds the first column of what a statement gives. */
static bool add_all(Cursor *cursor, int phase, const char *text, size_t len, Error *err) {
  sqlite_extension_spi_query_result_t result;
  if (!run(text, len, &result, err)) return false;
  for (size_t i = 0; i < result.rows.len; i++) {
    const Value *name = &result.rows.ptr[i].ptr[0];
    if (name->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT) add(cursor, phase, name->val.text.ptr, name->val.text.len);
  }
  sqlite_extension_spi_query_result_free(&result);
  return true;
}

static bool add_schema(Cursor *cursor, Error *err) {
  /* PRAGMA database_list names files, so it is not for components. */
  static const char list[] = "SELECT DISTINCT schema FROM pragma_table_list";
  sqlite_extension_spi_query_result_t databases;
  if (!run(list, sizeof list - 1, &databases, err)) return false;
  Sql tables = {NULL, 0}, columns = {NULL, 0};
  for (size_t i = 0; i < databases.rows.len; i++) {
    const String *name = &databases.rows.ptr[i].ptr[0].val.text;
    add(cursor, DATABASE, name->ptr, name->len);
    if (i > 0) put(&tables, " UNION "), put(&columns, " UNION ");
    put(&tables, "SELECT name FROM ");
    put_quoted(&tables, name, '"');
    put(&tables, ".sqlite_schema");
    put(&columns, "SELECT c.name FROM ");
    put_quoted(&columns, name, '"');
    put(&columns, ".sqlite_schema AS t JOIN pragma_table_xinfo(t.name, ");
    put_quoted(&columns, name, '\'');
    put(&columns, ") AS c WHERE t.type = 'table'");
  }
  sqlite_extension_spi_query_result_free(&databases);
  bool done = add_all(cursor, TABLE, tables.text, tables.len, err) &&
              add_all(cursor, COLUMN, columns.text, columns.len, err);
  free(tables.text);
  free(columns.text);
  return done;
}

static bool collect(Cursor *cursor, Error *err) {
  static const char functions[] = "SELECT DISTINCT name FROM pragma_function_list ORDER BY name";
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
    add(cursor, KEYWORD, (const uint8_t *)keywords[i], strlen(keywords[i]));
  }
  return add_all(cursor, FUNCTION, functions, sizeof functions - 1, err) && add_schema(cursor, err);
}

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  tabular_string_dup(&ret->name, "completion");
  tabular_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_virtual_table_describe(
  exports_sqlite_extension_virtual_table_list_module_spec_t *ret
) {
  ret->len = 1;
  ret->ptr = allocate(sizeof *ret->ptr);
  memset(ret->ptr, 0, sizeof *ret->ptr);
  tabular_string_dup(&ret->ptr->name, "completion");
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
    "CREATE TABLE x(candidate TEXT, prefix TEXT HIDDEN, wholeline TEXT HIDDEN, phase INT HIDDEN)"
  );
  return true;
}

void exports_sqlite_extension_virtual_table_disconnect(uint32_t table) { (void)table; }

bool exports_sqlite_extension_virtual_table_destroy(uint32_t table, Error *err) {
  (void)table, (void)err;
  return true;
}

/* The plan's number: 1 where a prefix comes, and 2 more where a line comes, behind it. */
bool exports_sqlite_extension_virtual_table_best_index(
  uint32_t table, exports_sqlite_extension_virtual_table_index_query_t *query,
  exports_sqlite_extension_virtual_table_option_index_plan_t *ret, Error *err
) {
  (void)table, (void)err;
  size_t count = query->constraints.len, prefix = count, line = count;
  bool waits = false;
  for (size_t i = 0; i < count; i++) {
    const exports_sqlite_extension_virtual_table_index_constraint_t *term = &query->constraints.ptr[i];
    if (term->op != EQ || (term->column != PREFIX && term->column != WHOLELINE)) continue;
    if (!term->usable) waits = true;
    else if (term->column == PREFIX) prefix = i;
    else line = i;
  }
  memset(ret, 0, sizeof *ret);
  ret->is_some = !waits;
  if (!waits) {
    ret->val.usages.len = count;
    ret->val.usages.ptr = allocate(count * sizeof *ret->val.usages.ptr);
    memset(ret->val.usages.ptr, 0, count * sizeof *ret->val.usages.ptr);
    uint32_t arguments = 0;
    for (int i = 0; i < 2; i++) {
      size_t term = i == 0 ? prefix : line;
      if (term == count) continue;
      ret->val.usages.ptr[term].argument = ++arguments;
      ret->val.usages.ptr[term].omit = true;
      ret->val.number |= 1 << i;
    }
    ret->val.cost = 500 - 200 * arguments;
    ret->val.rows = 100;
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

static Value text_of(const String *text) {
  Value value = {.tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT, .val.text = copy(text->ptr, text->len)};
  return value;
}

bool exports_sqlite_extension_virtual_table_fetch(uint32_t number, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err;
  Cursor *cursor = cursor_of(number);
  size_t left = cursor->count - cursor->next, rows = left < max_rows ? left : max_rows;
  ret->rowids.len = rows;
  ret->rowids.ptr = allocate(rows * sizeof *ret->rowids.ptr);
  ret->values.len = rows * COLUMNS;
  ret->values.ptr = allocate(ret->values.len * sizeof *ret->values.ptr);
  ret->done = rows == left;
  for (size_t i = 0; i < rows; i++) {
    const Candidate *candidate = &cursor->candidates[cursor->next++];
    Value *row = ret->values.ptr + i * COLUMNS;
    ret->rowids.ptr[i] = (int64_t)cursor->next;
    row[CANDIDATE] = text_of(&candidate->text);
    row[PREFIX] = text_of(&cursor->prefix);
    row[WHOLELINE] = text_of(&cursor->line);
    row[PHASE].tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
    row[PHASE].val.integer = candidate->phase;
  }
  return true;
}

/* The text of an argument; what is no text counts as empty. */
static String taken(Value *value) {
  String text = {NULL, 0};
  if (value->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT) {
    text = value->val.text;
    value->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL; /* not to be freed with the arguments */
  }
  return text;
}

static bool in_word(uint8_t c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_';
}

bool exports_sqlite_extension_virtual_table_filter(
  uint32_t number, int32_t plan, tabular_string_t *text, exports_sqlite_extension_virtual_table_list_argument_t *args,
  uint32_t max_rows, Batch *ret, Error *err
) {
  Cursor *cursor = cursor_of(number);
  tabular_string_free(text);
  clear(cursor);
  size_t at = 0;
  if (plan & 1) cursor->prefix = taken(&args->ptr[at++].val.value);
  if (plan & 2) cursor->line = taken(&args->ptr[at++].val.value);
  exports_sqlite_extension_virtual_table_list_argument_free(args);
  if (cursor->prefix.len == 0 && cursor->line.len > 0) {
    size_t start = cursor->line.len;
    while (start > 0 && in_word(cursor->line.ptr[start - 1])) start--;
    cursor->prefix = copy(cursor->line.ptr + start, cursor->line.len - start);
  }
  return collect(cursor, err) && exports_sqlite_extension_virtual_table_fetch(number, max_rows, ret, err);
}
