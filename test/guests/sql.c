/* Runs SQL on the connection that loaded the component. */
#include "minimal.h"
#define WORLD(name) minimal_##name
#include "sentence.h"
#include "calls.h"

enum { QUERY, COUNT, COLUMNS, CHANGES, LAST, RUN, NEST, TRIED, FUNCTIONS };

static const Function functions[FUNCTIONS] = {
  [QUERY] = {"sql_query", -1, 0},     [COUNT] = {"sql_count", -1, 0}, [COLUMNS] = {"sql_columns", 1, 0},
  [CHANGES] = {"sql_changes", -1, 0}, [LAST] = {"sql_last", 1, 0},    [RUN] = {"sql_run", 1, 0},
  [NEST] = {"sql_nest", 1, 0},        [TRIED] = {"tried", 1, 0},
};

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  minimal_string_dup(&ret->name, "sql");
  minimal_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  describe_functions(functions, FUNCTIONS, ret);
}

/* Moves the value at v to the caller. */
static void take(Value *v, Value *ret) {
  *ret = *v;
  v->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL;
}

static void columns_of(sqlite_extension_spi_query_result_t *result, Value *ret) {
  size_t len = 0, at = 0;
  for (size_t i = 0; i < result->columns.len; i++) len += result->columns.ptr[i].len + 1;
  uint8_t *text = malloc(len + 1);
  if (!text) abort();
  for (size_t i = 0; i < result->columns.len; i++) {
    memcpy(text + at, result->columns.ptr[i].ptr, result->columns.ptr[i].len);
    at += result->columns.ptr[i].len;
    text[at++] = ',';
  }
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
  ret->val.text = (minimal_string_t){text, at ? at - 1 : 0};
}

/* "SELECT sql_nest(n - 1)", which calls this component again. */
static bool nest(int64_t n, Value *ret, Error *err) {
  sqlite_extension_spi_query_result_t result;
  minimal_string_t sql;
  Value below = {.tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER, .val.integer = n - 1};
  sqlite_extension_spi_list_sql_value_t params = {&below, 1};
  minimal_string_set(&sql, "SELECT 1 + sql_nest(?1)");
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
  ret->val.integer = 0;
  if (n <= 0) return true;
  if (!sqlite_extension_spi_execute(&sql, &params, &result, err)) return false;
  ret->val.integer = result.rows.ptr[0].ptr[0].val.integer;
  sqlite_extension_spi_query_result_free(&result);
  return true;
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  sqlite_extension_spi_query_result_t result;
  bool done;
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_INTEGER;
  if (id == TRIED) {
    Sentence s = try_call(args->ptr[0].val.integer);
    ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
    WORLD(string_dup_n)(&ret->val.text, s.text, s.len);
    done = true;
  } else if (id == NEST) {
    done = nest(args->ptr[0].val.integer, ret, err);
  } else if (id == RUN) {
    ret->val.integer = 1;
    done = sqlite_extension_spi_run(&args->ptr[0].val.text, err);
  } else {
    sqlite_extension_spi_list_sql_value_t params = {args->ptr + 1, args->len - 1};
    done = sqlite_extension_spi_execute(&args->ptr[0].val.text, &params, &result, err);
    if (done) {
      if (id == COUNT) ret->val.integer = result.rows.len;
      if (id == CHANGES) ret->val.integer = result.changes;
      if (id == LAST) ret->val.integer = result.last_insert_rowid;
      if (id == COLUMNS) columns_of(&result, ret);
      if (id == QUERY) {
        ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL;
        if (result.rows.len > 0 && result.rows.ptr[0].len > 0) take(&result.rows.ptr[0].ptr[0], ret);
      }
      sqlite_extension_spi_query_result_free(&result);
    }
  }
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return done;
}
