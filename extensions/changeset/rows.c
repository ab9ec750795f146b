/* The table-valued function changeset_rows(blob): a row for each value that a changeset changes. */
#include "analytic.h"
#define WORLD(name) analytic_##name
#include "guest.h"

typedef sqlite_extension_changeset_held_t Held;
typedef sqlite_extension_changeset_change_t Change;
typedef exports_sqlite_extension_virtual_table_batch_t Batch;

enum { SEQ, TBL, OP, INDIRECT, PK, COLUMN, OLD, NEW, CHANGESET, COLUMNS };
enum { PAGE = 64, EQ = 2 };

/* One scan. */
typedef struct {
  bool used, open;
  Held held;
  sqlite_extension_changeset_page_t page;
  size_t change;            /* in the page */
  size_t column;            /* of the change */
  int64_t seq, row;
  char *table;              /* whose columns the names are of */
  analytic_list_string_t names;
} Scan;

static Scan *scans;
static uint32_t room;

void exports_sqlite_extension_virtual_table_describe(
  exports_sqlite_extension_virtual_table_list_module_spec_t *ret
) {
  ret->len = 1;
  ret->ptr = calloc(1, sizeof *ret->ptr);
  if (!ret->ptr) abort();
  analytic_string_dup(&ret->ptr->name, "changeset_rows");
  ret->ptr->options = EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_EPONYMOUS |
                      EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_INNOCUOUS;
}

bool exports_sqlite_extension_virtual_table_connect(
  uint64_t module, exports_sqlite_extension_virtual_table_connection_kind_t kind, analytic_list_string_t *args,
  exports_sqlite_extension_virtual_table_table_schema_t *ret, Error *err
) {
  (void)module; (void)kind; (void)err;
  analytic_list_string_free(args);
  ret->table = 1;
  analytic_string_dup(
    &ret->declaration,
    "CREATE TABLE x(seq INTEGER, tbl TEXT, op TEXT, indirect INTEGER, pk, column TEXT, old, new, changeset HIDDEN)"
  );
  return true;
}

void exports_sqlite_extension_virtual_table_disconnect(uint32_t table) { (void)table; }
bool exports_sqlite_extension_virtual_table_destroy(uint32_t table, Error *err) {
  (void)table; (void)err;
  return true;
}

bool exports_sqlite_extension_virtual_table_best_index(
  uint32_t table, exports_sqlite_extension_virtual_table_index_query_t *query,
  exports_sqlite_extension_virtual_table_option_index_plan_t *ret, Error *err
) {
  (void)table; (void)err;
  size_t count = query->constraints.len;
  bool given = false, unusable = false;
  exports_sqlite_extension_virtual_table_index_plan_t *plan = &ret->val;
  memset(ret, 0, sizeof *ret);
  plan->usages.ptr = calloc(count ? count : 1, sizeof *plan->usages.ptr);
  if (!plan->usages.ptr) abort();
  plan->usages.len = count;
  for (size_t i = 0; i < count; i++) {
    if (query->constraints.ptr[i].column != CHANGESET || query->constraints.ptr[i].op != EQ) continue;
    if (!query->constraints.ptr[i].usable) unusable = true;
    else if (!given) {
      given = true;
      plan->usages.ptr[i].argument = 1;
      plan->usages.ptr[i].omit = true;
    }
  }
  exports_sqlite_extension_virtual_table_index_query_free(query);
  plan->number = given;
  plan->cost = 1000;
  plan->rows = 100;
  ret->is_some = given || !unusable;
  if (!ret->is_some) free(plan->usages.ptr);
  return true;
}

bool exports_sqlite_extension_virtual_table_open(uint32_t table, uint32_t *ret, Error *err) {
  (void)table; (void)err;
  uint32_t i = 0;
  while (i < room && scans[i].used) i++;
  if (i == room) {
    uint32_t more = room ? room * 2 : 4;
    scans = realloc(scans, more * sizeof *scans);
    if (!scans) abort();
    memset(scans + room, 0, (more - room) * sizeof *scans);
    room = more;
  }
  scans[i].used = true;
  *ret = i;
  return true;
}

static void end(Scan *scan) {
  Error ignored;
  if (scan->open && !sqlite_extension_changeset_drop(scan->held, &ignored)) {
    exports_sqlite_extension_virtual_table_sqlite_error_free(&ignored);
  }
  sqlite_extension_changeset_page_free(&scan->page);
  analytic_list_string_free(&scan->names);
  free(scan->table);
  memset(scan, 0, sizeof *scan);
  scan->used = true;
}

void exports_sqlite_extension_virtual_table_close(uint32_t cursor) {
  end(&scans[cursor]);
  scans[cursor].used = false;
}

/* The names of the columns of the change's table, asked for once in a row of changes. */
static bool name_columns(Scan *scan, Change *change, Error *err) {
  size_t len = change->table.len;
  if (scan->table && strlen(scan->table) == len && memcmp(scan->table, change->table.ptr, len) == 0 &&
      scan->names.len == change->key.len) return true;
  free(scan->table);
  analytic_list_string_free(&scan->names);
  memset(&scan->names, 0, sizeof scan->names);
  scan->table = malloc(len + 1);
  if (!scan->table) abort();
  memcpy(scan->table, change->table.ptr, len);
  scan->table[len] = 0;
  return sqlite_extension_changeset_column_names(&change->table, change->key.len, &scan->names, err);
}

static void copy_value(const Value *from, Value *to) {
  *to = *from;
  if (!is_text(from) && !is_blob(from)) return;
  uint8_t *copy = malloc(from->val.blob.len ? from->val.blob.len : 1);
  if (!copy) abort();
  memcpy(copy, from->val.blob.ptr, from->val.blob.len);
  to->val.blob.ptr = copy;
}

static void give_text(Value *to, const char *text, size_t len) {
  to->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
  analytic_string_dup_n(&to->val.text, text, len);
}

static bool there(const sqlite_extension_changeset_list_field_t *fields, size_t i) {
  return i < fields->len && fields->ptr[i].tag == SQLITE_EXTENSION_CHANGESET_FIELD_VALUE;
}

static void give_field(const sqlite_extension_changeset_list_field_t *fields, size_t i, Value *to) {
  if (there(fields, i)) copy_value((const Value *)&fields->ptr[i].val.value, to);
  else give_null(to);
}

/* A text that grows. */
typedef struct { char *ptr; size_t len, room; } Text;
static void put(Text *t, const char *from, size_t len) {
  if (t->len + len > t->room) {
    t->room = (t->len + len) * 2;
    t->ptr = realloc(t->ptr, t->room);
    if (!t->ptr) abort();
  }
  memcpy(t->ptr + t->len, from, len);
  t->len += len;
}

/* A value of a key in JSON; a blob is its hex digits. */
static void put_json(Text *t, const Value *v) {
  static const char hex[] = "0123456789abcdef";
  Sentence s = {0};
  if (is_integer(v)) add_integer(&s, v->val.integer);
  else if (v->tag == SQLITE_EXTENSION_TYPES_SQL_VALUE_REAL) add_real(&s, v->val.real);
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

/* The value of the key; of a key of several columns a JSON array of them, in the key's order. */
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
      if (there(fields, i)) put_json(&t, (const Value *)&fields->ptr[i].val.value);
      else put(&t, "null", 4);
    }
  }
  if (places == 0) { give_null(to); return; }
  put(&t, "]", 1);
  give_text(to, t.ptr, t.len);
  free(t.ptr);
}

/* Fills a batch with up to `max` rows. */
static bool fill(Scan *scan, uint32_t max, Batch *ret, Error *err) {
  static const char *const ops[] = {"INSERT", "UPDATE", "DELETE"};
  memset(ret, 0, sizeof *ret);
  ret->rowids.ptr = malloc(max * sizeof(int64_t));
  ret->values.ptr = malloc(max * COLUMNS * sizeof(Value));
  if (!ret->rowids.ptr || !ret->values.ptr) abort();
  while (ret->rowids.len < max) {
    if (scan->change == scan->page.changes.len) {
      uint64_t from = scan->page.next.val;
      bool more = scan->page.next.is_some;
      sqlite_extension_changeset_page_free(&scan->page);
      memset(&scan->page, 0, sizeof scan->page);
      scan->change = 0;
      if (!more) {
        ret->done = true;
        return true;
      }
      if (!sqlite_extension_changeset_changes(scan->held, from, PAGE, &scan->page, err)) {
        exports_sqlite_extension_virtual_table_batch_free(ret);
        return false;
      }
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
    if (!name_columns(scan, change, err)) {
      exports_sqlite_extension_virtual_table_batch_free(ret);
      return false;
    }
    Value *row = (Value *)ret->values.ptr + ret->values.len;
    give_integer(&row[SEQ], scan->seq);
    give_text(&row[TBL], (const char *)change->table.ptr, change->table.len);
    give_text(&row[OP], ops[change->op], 6);
    give_integer(&row[INDIRECT], change->indirect);
    give_key(change, &row[PK]);
    give_text(&row[COLUMN], (const char *)scan->names.ptr[i].ptr, scan->names.ptr[i].len);
    give_field(&change->old, i, &row[OLD]);
    give_field(&change->new_, i, &row[NEW]);
    give_null(&row[CHANGESET]);
    ret->values.len += COLUMNS;
    ret->rowids.ptr[ret->rowids.len++] = ++scan->row;
  }
  return true;
}

bool exports_sqlite_extension_virtual_table_filter(
  uint32_t cursor, int32_t number, analytic_string_t *text,
  exports_sqlite_extension_virtual_table_list_argument_t *args, uint32_t max_rows, Batch *ret, Error *err
) {
  (void)number;
  Scan *scan = &scans[cursor];
  end(scan);
  bool done = true;
  const Value *v = args->len ? (const Value *)&args->ptr[0].val.value : NULL;
  if (v && is_blob(v)) {
    analytic_list_u8_t bytes = {v->val.blob.ptr, v->val.blob.len};
    done = sqlite_extension_changeset_create(&scan->held, err);
    scan->open = done;
    done = done && sqlite_extension_changeset_append(scan->held, &bytes, err);
    scan->page.next.is_some = done;
  } else if (v && !is_null(v)) {
    done = fail_kind(err, "changeset_rows", "a changeset is a blob, as session_changeset(h) gives", v);
  }
  exports_sqlite_extension_virtual_table_list_argument_free(args);
  analytic_string_free(text);
  return done && fill(scan, max_rows, ret, err);
}

bool exports_sqlite_extension_virtual_table_fetch(uint32_t cursor, uint32_t max_rows, Batch *ret, Error *err) {
  return fill(&scans[cursor], max_rows, ret, err);
}
