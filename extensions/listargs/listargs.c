/*
** listargs(...) lists its arguments, one per row, as a table-valued function receives them.
**
**     SELECT position, value, type FROM listargs('a', 2.5, NULL);
**
** The arguments are the hidden columns arg1 to arg16. Omitted arguments are not listed.
*/
#include "table.h"

enum { POSITION, VALUE, TYPE, FIRST_ARGUMENT, MOST_ARGUMENTS = 16, COLUMNS = FIRST_ARGUMENT + MOST_ARGUMENTS };

/* A scan. */
typedef struct {
  uint32_t given; /* a bit for each argument */
  uint32_t read;  /* a bit for each argument whose hidden column is used */
  Value arguments[MOST_ARGUMENTS];
  int next;
} Cursor;

static void clear(Cursor *cursor) {
  for (int i = 0; i < MOST_ARGUMENTS; i++) {
    sqlite_extension_types_sql_value_free(&cursor->arguments[i]);
  }
  memset(cursor, 0, sizeof *cursor); /* a value of zeros is NULL */
}

#define TABLE_NAME "listargs"
#define TABLE_DECLARATION                                                                                      \
  "CREATE TABLE x(position INTEGER, value, type TEXT, "                                                        \
  "arg1 HIDDEN, arg2 HIDDEN, arg3 HIDDEN, arg4 HIDDEN, arg5 HIDDEN, arg6 HIDDEN, arg7 HIDDEN, arg8 HIDDEN, "   \
  "arg9 HIDDEN, arg10 HIDDEN, arg11 HIDDEN, arg12 HIDDEN, arg13 HIDDEN, arg14 HIDDEN, arg15 HIDDEN, arg16 HIDDEN)"
#include "table-function.h"

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  WORLD(string_dup)(&ret->name, "listargs");
  WORLD(string_dup)(&ret->version, "1.0.0");
}

/*
** The plan's number has a bit for each argument and for each hidden column that is used. If the value of an argument is
** not yet known, there is no plan, so SQLite first reads the table that the value comes from.
*/
bool VT(best_index)(uint32_t table, Query *query, OptionalPlan *ret, Error *err) {
  (void)table, (void)err;
  uint32_t passed = 0, arguments = 0;
  bool waits = false;
  Plan *plan = begin_plan(query, ret);
  for (int i = 0; i < MOST_ARGUMENTS; i++) {
    int constraint = given(query, FIRST_ARGUMENT + i, &waits);
    if (constraint < 0) continue;
    passed |= 1u << i;
    pass(plan, constraint, ++arguments);
  }
  plan->number = (int32_t)(passed | (uint32_t)(query->columns_used >> FIRST_ARGUMENT) << 16);
  plan->cost = 1;
  plan->rows = arguments;
  if (waits) no_plan(ret);
  VT(index_query_free)(query);
  return true;
}

static void put_row(const Cursor *cursor, int argument, Value *row) {
  static const char *const types[] = {"null", "integer", "real", "text", "blob"};
  const Value *value = &cursor->arguments[argument];
  give_integer(&row[POSITION], argument + 1);
  row[VALUE] = copy_of(value);
  give_text(&row[TYPE], types[value->tag]);
  for (int i = 0; i < MOST_ARGUMENTS; i++) {
    row[FIRST_ARGUMENT + i] = cursor->read >> i & 1 ? copy_of(&cursor->arguments[i]) : (Value){.tag = NONE};
  }
}

bool VT(fetch)(uint32_t number, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err;
  Cursor *cursor = cursor_of(number);
  uint32_t left = (uint32_t)__builtin_popcount(cursor->given >> cursor->next);
  uint32_t rows = left < max_rows ? left : max_rows;
  Value *row = begin_batch(ret, rows, COLUMNS);
  ret->done = rows == left;
  for (uint32_t i = 0; i < rows; cursor->next++) {
    if (!(cursor->given >> cursor->next & 1)) continue;
    put_row(cursor, cursor->next, row + i * COLUMNS);
    ret->rowids.ptr[i++] = cursor->next + 1;
  }
  return true;
}

bool VT(filter)(
  uint32_t number, int32_t plan, String *text, Arguments *args,
  uint32_t max_rows, Batch *ret, Error *err
) {
  Cursor *cursor = cursor_of(number);
  WORLD(string_free)(text);
  clear(cursor);
  cursor->given = (uint32_t)plan & 0xffff;
  cursor->read = (uint32_t)plan >> 16;
  size_t at = 0;
  for (int i = 0; i < MOST_ARGUMENTS; i++) {
    if (cursor->given >> i & 1) cursor->arguments[i] = copy_of(&args->ptr[at++].val.value);
  }
  VT(list_argument_free)(args);
  return VT(fetch)(number, max_rows, ret, err);
}
