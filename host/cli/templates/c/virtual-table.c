/* words(text): a table of the words of a text, `SELECT word FROM words('one two')`. */
#include "guest.h"

/* The columns. `text` is hidden: it is the argument. */
enum { WORD, POSITION, INPUT, COLUMNS };
static const char declaration[] = "CREATE TABLE x(word TEXT, position INTEGER, text HIDDEN)";

enum { EQ = 2 }; /* https://www.sqlite.org/c3ref/c_index_constraint_eq.html */

/* A scan. Its address is the number by which the host knows it. */
typedef struct {
  String text;
  size_t at; /* the byte to go on from */
  int64_t count; /* of the words so far */
} Cursor;

static Cursor *cursor_of(uint32_t number) { return (Cursor *)(uintptr_t)number; }

void exports_sqlite_extension_virtual_table_describe(
  exports_sqlite_extension_virtual_table_list_module_spec_t *ret
) {
  ret->len = 1;
  ret->ptr = allocate(sizeof *ret->ptr);
  ret->ptr[0].id = 0;
  WORLD_string_dup(&ret->ptr[0].name, "words");
  ret->ptr[0].options = EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_EPONYMOUS |
                        EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_INNOCUOUS;
  ret->ptr[0].shadow_names.ptr = NULL;
  ret->ptr[0].shadow_names.len = 0;
}

bool exports_sqlite_extension_virtual_table_connect(
  uint64_t module, exports_sqlite_extension_virtual_table_connection_kind_t kind, WORLD_list_string_t *args,
  exports_sqlite_extension_virtual_table_table_schema_t *ret, Error *err
) {
  (void)module, (void)kind, (void)err;
  WORLD_list_string_free(args);
  ret->table = 0; /* all tables of this module are the same */
  WORLD_string_dup(&ret->declaration, declaration);
  return true;
}

void exports_sqlite_extension_virtual_table_disconnect(uint32_t table) { (void)table; }

bool exports_sqlite_extension_virtual_table_destroy(uint32_t table, Error *err) {
  (void)table, (void)err;
  return true;
}

/* There is one way to scan: with the text. Without it there is no plan, and SQLite tries another order of joins. */
bool exports_sqlite_extension_virtual_table_best_index(
  uint32_t table, exports_sqlite_extension_virtual_table_index_query_t *query,
  exports_sqlite_extension_virtual_table_option_index_plan_t *ret, Error *err
) {
  (void)table, (void)err;
  size_t count = query->constraints.len;
  memset(ret, 0, sizeof *ret);
  ret->val.usages.ptr = allocate(count * sizeof *ret->val.usages.ptr);
  ret->val.usages.len = count;
  memset(ret->val.usages.ptr, 0, count * sizeof *ret->val.usages.ptr);
  for (size_t i = 0; i < count && !ret->is_some; i++) {
    const exports_sqlite_extension_virtual_table_index_constraint_t *term = &query->constraints.ptr[i];
    if (term->column != INPUT || term->op != EQ || !term->usable) continue;
    ret->is_some = true;
    ret->val.usages.ptr[i].argument = 1;
    ret->val.usages.ptr[i].omit = true;
    ret->val.cost = 10;
    ret->val.rows = 10;
  }
  if (!ret->is_some) free(ret->val.usages.ptr);
  exports_sqlite_extension_virtual_table_index_query_free(query);
  return true;
}

bool exports_sqlite_extension_virtual_table_open(uint32_t table, uint32_t *ret, Error *err) {
  (void)table, (void)err;
  Cursor *cursor = allocate(sizeof *cursor);
  *cursor = (Cursor){0};
  *ret = (uint32_t)(uintptr_t)cursor;
  return true;
}

void exports_sqlite_extension_virtual_table_close(uint32_t number) {
  Cursor *cursor = cursor_of(number);
  WORLD_string_free(&cursor->text);
  free(cursor);
}

/* ASCII punctuation and blanks stand between words. */
static bool in_word(uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80;
}

/* Finds the next word: its place, or false at the end. */
static bool next_word(Cursor *cursor, size_t *start, size_t *len) {
  const String *text = &cursor->text;
  while (cursor->at < text->len && !in_word(text->ptr[cursor->at])) cursor->at++;
  *start = cursor->at;
  while (cursor->at < text->len && in_word(text->ptr[cursor->at])) cursor->at++;
  *len = cursor->at - *start;
  return *len > 0;
}

bool exports_sqlite_extension_virtual_table_fetch(
  uint32_t number, uint32_t max_rows, exports_sqlite_extension_virtual_table_batch_t *ret, Error *err
) {
  (void)err;
  Cursor *cursor = cursor_of(number);
  size_t rows = 0, start = 0, len = 0;
  ret->rowids.ptr = allocate(max_rows * sizeof *ret->rowids.ptr);
  ret->values.ptr = allocate(max_rows * COLUMNS * sizeof *ret->values.ptr);
  ret->done = false;
  while (rows < max_rows && !ret->done) {
    if (!next_word(cursor, &start, &len)) {
      ret->done = true;
      break;
    }
    Value *row = ret->values.ptr + rows * COLUMNS;
    row[WORD].tag = TEXT;
    WORLD_string_dup_n(&row[WORD].val.text, (const char *)cursor->text.ptr + start, len);
    row[POSITION].tag = INTEGER;
    row[POSITION].val.integer = ++cursor->count;
    row[INPUT].tag = NONE;
    ret->rowids.ptr[rows++] = cursor->count;
  }
  if (rows == 0) { /* nobody frees a list of no length */
    free(ret->rowids.ptr);
    free(ret->values.ptr);
  }
  ret->rowids.len = rows;
  ret->values.len = rows * COLUMNS;
  return true;
}

bool exports_sqlite_extension_virtual_table_filter(
  uint32_t number, int32_t plan, String *plan_text,
  exports_sqlite_extension_virtual_table_list_argument_t *args, uint32_t max_rows,
  exports_sqlite_extension_virtual_table_batch_t *ret, Error *err
) {
  (void)plan;
  Cursor *cursor = cursor_of(number);
  WORLD_string_free(plan_text);
  WORLD_string_free(&cursor->text);
  *cursor = (Cursor){0};
  Value *text = &args->ptr[0].val.value;
  bool fits = text->tag == TEXT || text->tag == NONE;
  if (text->tag == TEXT) {
    cursor->text = text->val.text; /* kept, so it is not to be freed with the arguments */
    text->tag = NONE;
  }
  exports_sqlite_extension_virtual_table_list_argument_free(args);
  if (!fits) return fail(err, CODE_MISMATCH, "words: the argument must be text");
  return exports_sqlite_extension_virtual_table_fetch(number, max_rows, ret, err);
}
