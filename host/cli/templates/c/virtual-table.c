/* words(text): a table of the words in a text, such as `SELECT word FROM words('one two')`. */
#include "table.h"

/* The columns. The hidden column `text` is the argument. */
enum { WORD, POSITION, INPUT, COLUMNS };

/* A scan. */
typedef struct {
  String text;
  size_t at; /* the offset of the next byte */
  int64_t count; /* the number of words so far */
} Cursor;

static void clear(Cursor *cursor) { WORLD(string_free)(&cursor->text); }

#define TABLE_NAME "words"
#define TABLE_DECLARATION "CREATE TABLE x(word TEXT, position INTEGER, text HIDDEN)"
#include "table-function.h"

/* A scan needs the text. Without it there is no plan, and SQLite tries another order of tables. */
bool VT(best_index)(uint32_t table, Query *query, OptionalPlan *ret, Error *err) {
  (void)table, (void)err;
  bool waits = false;
  Plan *plan = begin_plan(query, ret);
  int text = given(query, INPUT, &waits);
  plan->cost = 10;
  plan->rows = 10;
  if (text >= 0) pass(plan, text, 1);
  else no_plan(ret);
  VT(index_query_free)(query);
  return true;
}

/* ASCII punctuation and spaces separate words. */
static bool in_word(uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80;
}

/* Finds the start and length of the next word. Returns false at the end. */
static bool next_word(Cursor *cursor, size_t *start, size_t *len) {
  const String *text = &cursor->text;
  while (cursor->at < text->len && !in_word(text->ptr[cursor->at])) cursor->at++;
  *start = cursor->at;
  while (cursor->at < text->len && in_word(text->ptr[cursor->at])) cursor->at++;
  *len = cursor->at - *start;
  return *len > 0;
}

bool VT(fetch)(uint32_t number, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err;
  Cursor *cursor = cursor_of(number);
  size_t rows = 0, start = 0, len = 0;
  Value *row = begin_batch(ret, max_rows, COLUMNS);
  while (rows < max_rows && !ret->done) {
    if (!next_word(cursor, &start, &len)) {
      ret->done = true;
      break;
    }
    give_bytes(&row[WORD], TEXT, cursor->text.ptr + start, len);
    give_integer(&row[POSITION], ++cursor->count);
    give_null(&row[INPUT]);
    ret->rowids.ptr[rows++] = cursor->count;
    row += COLUMNS;
  }
  trim_batch(ret, rows, COLUMNS);
  return true;
}

bool VT(filter)(
  uint32_t number, int32_t plan, String *plan_text, Arguments *args, uint32_t max_rows, Batch *ret, Error *err
) {
  (void)plan;
  Cursor *cursor = cursor_of(number);
  WORLD(string_free)(plan_text);
  clear(cursor);
  *cursor = (Cursor){0};
  Value *text = &args->ptr[0].val.value;
  bool fits = is_text(text) || is_null(text);
  if (is_text(text)) {
    cursor->text = text->val.text; /* kept, so it must not be freed with the arguments */
    text->tag = NONE;
  }
  VT(list_argument_free)(args);
  if (!fits) return fail(err, SQLITE_MISMATCH, "words: the argument must be text");
  return VT(fetch)(number, max_rows, ret, err);
}
