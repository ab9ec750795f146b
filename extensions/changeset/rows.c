/* The table-valued function changeset_rows(blob), with a row for each value that a changeset changes. */
#include "sentence.h"
#include "table.h"

typedef sqlite_extension_changeset_held_t Held;
typedef sqlite_extension_changeset_change_t Change;

enum { SEQ, TBL, OP, INDIRECT, PK, COLUMN, OLD, NEW, CHANGESET, COLUMNS };
enum { PAGE = 64 };

/* One scan. */
typedef struct {
  bool open;
  Held held;
  sqlite_extension_changeset_page_t page;
  size_t change;            /* in the page */
  size_t column;            /* of the change */
  int64_t seq, row;
  char *table;              /* whose columns the names are of */
  WORLD(list_string_t) names;
} Cursor;

static void clear(Cursor *scan) {
  Error ignored;
  if (scan->open && !sqlite_extension_changeset_drop(scan->held, &ignored)) {
    sqlite_extension_types_sqlite_error_free(&ignored);
  }
  sqlite_extension_changeset_page_free(&scan->page);
  WORLD(list_string_free)(&scan->names);
  free(scan->table);
  memset(scan, 0, sizeof *scan);
}

#define TABLE_NAME "changeset_rows"
#define TABLE_DECLARATION \
  "CREATE TABLE x(seq INTEGER, tbl TEXT, op TEXT, indirect INTEGER, pk, column TEXT, old, new, changeset HIDDEN)"
#include "table-function.h"

bool VT(best_index)(uint32_t table, Query *query, OptionalPlan *ret, Error *err) {
  (void)table, (void)err;
  bool waits = false;
  Plan *plan = begin_plan(query, ret);
  int changeset = given(query, CHANGESET, &waits);
  if (changeset >= 0) pass(plan, changeset, 1);
  plan->number = changeset >= 0;
  plan->cost = 1000;
  plan->rows = 100;
  if (changeset < 0 && waits) no_plan(ret);
  VT(index_query_free)(query);
  return true;
}

/* Gets the column names of the change's table. Consecutive changes of the same table share them. */
static bool name_columns(Cursor *scan, Change *change, Error *err) {
  size_t len = change->table.len;
  if (scan->table && strlen(scan->table) == len && memcmp(scan->table, change->table.ptr, len) == 0 &&
      scan->names.len == change->key.len) return true;
  free(scan->table);
  WORLD(list_string_free)(&scan->names);
  memset(&scan->names, 0, sizeof scan->names);
  scan->table = allocate(len + 1);
  memcpy(scan->table, change->table.ptr, len);
  scan->table[len] = 0;
  return sqlite_extension_changeset_column_names(&change->table, change->key.len, &scan->names, err);
}

static bool there(const sqlite_extension_changeset_list_field_t *fields, size_t i) {
  return i < fields->len && fields->ptr[i].tag == SQLITE_EXTENSION_CHANGESET_FIELD_VALUE;
}

static void give_field(const sqlite_extension_changeset_list_field_t *fields, size_t i, Value *to) {
  if (there(fields, i)) *to = copy_of(&fields->ptr[i].val.value);
  else give_null(to);
}

/* A growing text. */
typedef struct { char *ptr; size_t len, room; } Text;
static void put(Text *t, const char *from, size_t len) {
  if (t->len + len > t->room) {
    t->room = (t->len + len) * 2;
    t->ptr = reallocate(t->ptr, t->room);
  }
  memcpy(t->ptr + t->len, from, len);
  t->len += len;
}

/* Writes a key value as JSON. A blob becomes hex digits. */
static void put_json(Text *t, const Value *v) {
  static const char hex[] = "0123456789abcdef";
  Sentence s = {0};
  if (is_integer(v)) add_integer(&s, v->val.integer);
  else if (v->tag == REAL) add_real(&s, v->val.real);
  else if (is_null(v)) add(&s, "null");
  else {
    put(t, "\"", 1);
    for (size_t i = 0; i < v->val.blob.len; i++) {
      uint8_t c = v->val.blob.ptr[i];
      char escaped[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
      if (is_blob(v)) put(t, escaped + 4, 2);
      else if (c < 0x20 || c == '"' || c == '\\') put(t, escaped, 6);
      else put(t, (const char *)&v->val.blob.ptr[i], 1);
    }
    put(t, "\"", 1);
    return;
  }
  put(t, s.text, s.len);
}

/* Returns the value of the key, or a JSON array if the key has several columns, in the order of the key. */
static void give_key(const Change *change, Value *to) {
  const sqlite_extension_changeset_list_field_t *fields = change->old.len ? &change->old : &change->new_;
  size_t places = 0;
  for (size_t i = 0; i < change->key.len; i++) if (change->key.ptr[i] > places) places = change->key.ptr[i];
  Text t = {0};
  for (size_t place = 1; place <= places; place++) {
    for (size_t i = 0; i < change->key.len; i++) {
      if (change->key.ptr[i] != place) continue;
      if (places == 1) return give_field(fields, i, to);
      put(&t, place == 1 ? "[" : ",", 1);
      if (there(fields, i)) put_json(&t, &fields->ptr[i].val.value);
      else put(&t, "null", 4);
    }
  }
  if (places == 0) { give_null(to); return; }
  put(&t, "]", 1);
  give_bytes(to, TEXT, t.ptr, t.len);
  free(t.ptr);
}

/* Fills a batch with up to `max` rows. */
static bool fill(Cursor *scan, uint32_t max, Batch *ret, Error *err) {
  static const char *const ops[] = {"INSERT", "UPDATE", "DELETE"};
  Value *row = begin_batch(ret, max, COLUMNS);
  size_t count = 0;
  bool done = true;
  while (done && !ret->done && count < max) {
    if (scan->change == scan->page.changes.len) {
      uint64_t from = scan->page.next.val;
      bool more = scan->page.next.is_some;
      sqlite_extension_changeset_page_free(&scan->page);
      memset(&scan->page, 0, sizeof scan->page);
      scan->change = 0;
      if (!more) ret->done = true;
      else done = sqlite_extension_changeset_changes(scan->held, from, PAGE, &scan->page, err);
      continue;
    }
    Change *change = &scan->page.changes.ptr[scan->change];
    if (scan->column == 0) scan->seq++;
    if (scan->column == change->key.len) {
      scan->change++;
      scan->column = 0;
      continue;
    }
    size_t i = scan->column++;
    bool update = change->op == SQLITE_EXTENSION_CHANGESET_OPERATION_UPDATE;
    if (update ? !there(&change->new_, i) : !there(&change->old, i) && !there(&change->new_, i)) continue;
    done = name_columns(scan, change, err);
    if (!done) break;
    give_integer(&row[SEQ], scan->seq);
    give_string(&row[TBL], &change->table);
    give_text(&row[OP], ops[change->op]);
    give_integer(&row[INDIRECT], change->indirect);
    give_key(change, &row[PK]);
    give_string(&row[COLUMN], &scan->names.ptr[i]);
    give_field(&change->old, i, &row[OLD]);
    give_field(&change->new_, i, &row[NEW]);
    give_null(&row[CHANGESET]);
    ret->rowids.ptr[count++] = ++scan->row;
    row += COLUMNS;
  }
  trim_batch(ret, count, COLUMNS);
  if (!done) VT(batch_free)(ret);
  return done;
}

bool VT(filter)(
  uint32_t cursor, int32_t number, String *text, Arguments *args, uint32_t max_rows, Batch *ret, Error *err
) {
  (void)number;
  Cursor *scan = cursor_of(cursor);
  clear(scan);
  bool done = true;
  const Value *v = args->len ? &args->ptr[0].val.value : NULL;
  if (v && is_blob(v)) {
    WORLD(list_u8_t) bytes = {v->val.blob.ptr, v->val.blob.len};
    done = sqlite_extension_changeset_create(&scan->held, err);
    scan->open = done;
    done = done && sqlite_extension_changeset_append(scan->held, &bytes, err);
    scan->page.next.is_some = done;
  } else if (v && !is_null(v)) {
    done = fail_kind(err, "changeset_rows", "a changeset is a blob, as session_changeset(h) gives", v);
  }
  VT(list_argument_free)(args);
  WORLD(string_free)(text);
  return done && fill(scan, max_rows, ret, err);
}

bool VT(fetch)(uint32_t cursor, uint32_t max_rows, Batch *ret, Error *err) {
  return fill(cursor_of(cursor), max_rows, ret, err);
}
