/*
** completion(prefix, wholeline) lists words that begin with a prefix, as the completion table of SQLite's shell does,
** and also functions.
**
**     SELECT DISTINCT candidate FROM completion('sel', 'sel') ORDER BY 1;
**
** The default prefix is the last word of the line. The hidden column `phase` is the kind of a candidate.
*/
#include "table.h"
#include "keywords.h"

enum { CANDIDATE, PREFIX, WHOLELINE, PHASE, COLUMNS };
/* The phase numbers of SQLite's table. */
enum { KEYWORD = 1, FUNCTION = 3, DATABASE = 7, TABLE = 8, COLUMN = 9 };

typedef struct {
  String text;
  int phase;
} Candidate;

/* A scan. */
typedef struct {
  Candidate *candidates;
  size_t count, room, next;
  String prefix, line;
} Cursor;

static String copy(const uint8_t *text, size_t len) { return (String){copy_bytes(text, len), len}; }

static void clear(Cursor *cursor) {
  for (size_t i = 0; i < cursor->count; i++) WORLD(string_free)(&cursor->candidates[i].text);
  free(cursor->candidates);
  WORLD(string_free)(&cursor->prefix);
  WORLD(string_free)(&cursor->line);
  memset(cursor, 0, sizeof *cursor);
}

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

/* Adds a copy of a candidate if it begins with the prefix, ignoring case. */
static void add(Cursor *cursor, int phase, const uint8_t *text, size_t len) {
  if (len < cursor->prefix.len) return;
  for (size_t i = 0; i < cursor->prefix.len; i++) {
    if (lower(text[i]) != lower(cursor->prefix.ptr[i])) return;
  }
  if (cursor->count == cursor->room) {
    cursor->room = 2 * cursor->room + 64;
    cursor->candidates = reallocate(cursor->candidates, cursor->room * sizeof *cursor->candidates);
  }
  cursor->candidates[cursor->count++] = (Candidate){copy(text, len), phase};
}

/* SQL under construction. */
typedef struct {
  char *text;
  size_t len;
} Sql;

static void append(Sql *sql, const char *text, size_t len) {
  sql->text = reallocate(sql->text, sql->len + len + 1);
  memcpy(sql->text + sql->len, text, len);
  sql->len += len;
}

static void put(Sql *sql, const char *text) { append(sql, text, strlen(text)); }

/* Writes a quoted name, with quotes in it doubled. */
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

/* Adds the first column of a statement's rows. */
static bool add_all(Cursor *cursor, int phase, const char *text, size_t len, Error *err) {
  sqlite_extension_spi_query_result_t result;
  if (!run(text, len, &result, err)) return false;
  for (size_t i = 0; i < result.rows.len; i++) {
    const Value *name = &result.rows.ptr[i].ptr[0];
    if (is_text(name)) add(cursor, phase, name->val.text.ptr, name->val.text.len);
  }
  sqlite_extension_spi_query_result_free(&result);
  return true;
}

static bool add_schema(Cursor *cursor, Error *err) {
  /* Components cannot use PRAGMA database_list, because it contains file names. */
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

#define TABLE_NAME "completion"
#define TABLE_DECLARATION "CREATE TABLE x(candidate TEXT, prefix TEXT HIDDEN, wholeline TEXT HIDDEN, phase INT HIDDEN)"
#include "table-function.h"

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  WORLD(string_dup)(&ret->name, "completion");
  WORLD(string_dup)(&ret->version, "1.0.0");
}

/* The plan's number is 1 if there is a prefix argument, plus 2 if a line argument follows. */
bool VT(best_index)(uint32_t table, Query *query, OptionalPlan *ret, Error *err) {
  (void)table, (void)err;
  uint32_t arguments = 0;
  bool waits = false;
  Plan *plan = begin_plan(query, ret);
  for (int i = 0; i < 2; i++) {
    int constraint = given(query, i == 0 ? PREFIX : WHOLELINE, &waits);
    if (constraint < 0) continue;
    pass(plan, constraint, ++arguments);
    plan->number |= 1 << i;
  }
  plan->cost = 500 - 200 * arguments;
  plan->rows = 100;
  if (waits) no_plan(ret);
  VT(index_query_free)(query);
  return true;
}

bool VT(fetch)(uint32_t number, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err;
  Cursor *cursor = cursor_of(number);
  size_t left = cursor->count - cursor->next, rows = left < max_rows ? left : max_rows;
  Value *row = begin_batch(ret, rows, COLUMNS);
  ret->done = rows == left;
  for (size_t i = 0; i < rows; i++, row += COLUMNS) {
    const Candidate *candidate = &cursor->candidates[cursor->next++];
    ret->rowids.ptr[i] = (int64_t)cursor->next;
    give_string(&row[CANDIDATE], &candidate->text);
    give_string(&row[PREFIX], &cursor->prefix);
    give_string(&row[WHOLELINE], &cursor->line);
    give_integer(&row[PHASE], candidate->phase);
  }
  return true;
}

/* Returns the text of an argument; other values become the empty text. */
static String taken(Value *value) {
  String text = {NULL, 0};
  if (value->tag == TEXT) {
    text = value->val.text;
    value->tag = NONE; /* so that it is not freed with the arguments */
  }
  return text;
}

static bool in_word(uint8_t c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_';
}

bool VT(filter)(
  uint32_t number, int32_t plan, String *text, Arguments *args,
  uint32_t max_rows, Batch *ret, Error *err
) {
  Cursor *cursor = cursor_of(number);
  WORLD(string_free)(text);
  clear(cursor);
  size_t at = 0;
  if (plan & 1) cursor->prefix = taken(&args->ptr[at++].val.value);
  if (plan & 2) cursor->line = taken(&args->ptr[at++].val.value);
  VT(list_argument_free)(args);
  if (cursor->prefix.len == 0 && cursor->line.len > 0) {
    size_t start = cursor->line.len;
    while (start > 0 && in_word(cursor->line.ptr[start - 1])) start--;
    cursor->prefix = copy(cursor->line.ptr + start, cursor->line.len - start);
  }
  return collect(cursor, err) && VT(fetch)(number, max_rows, ret, err);
}
