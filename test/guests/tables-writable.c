/*
** Writable tables, for the tests of changes, transactions and persistence. Rows are in memory, by the database and the
** name of their table:
**
**   store     USING store(unique, stored, tries): `unique` makes column a unique; `stored` keeps the rows
**             in a shadow table NAME_data; `tries` calls the host in every function
**   loose     the same without transactions
**   pad       the same, eponymous
**   journal   the calls since it was last read
**   tried     the results of session, spi and changeset in each function of tables that try
**
** A row whose b is "fail:FUNCTION" makes that function fail once, with the code in c. A row whose b is "damaged" is
** reported by integrity.
*/
#include "tabular_writable.h"
#define WORLD(name) tabular_writable_##name
#include "sentence.h"
#include "calls.h"
#include "rows.h"
#include "kept-rows.h"
#include "stores.h"
#define WT(name) exports_sqlite_extension_writable_table_##name

enum { STORE, LOOSE, PAD, JOURNAL, TRIED, MODULES };
enum { CHANGED = MODULE(WRITABLE), SAFE = MODULE(TRANSACTIONAL) | MODULE(SAVEPOINTS) };

static const struct { const char *name; int options; } modules[MODULES] = {
  [STORE] = {"store", MODULE(CREATABLE) | CHANGED | SAFE}, [LOOSE] = {"loose", MODULE(CREATABLE) | CHANGED},
  [PAD] = {"pad", MODULE(EPONYMOUS) | CHANGED | SAFE},     [JOURNAL] = {"journal", MODULE(EPONYMOUS)},
  [TRIED] = {"tried", MODULE(EPONYMOUS)},
};

/* ---- Modules and tables ----------------------------------------------------------------------------- */

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  WORLD(string_dup)(&ret->name, "tables-writable");
  WORLD(string_dup)(&ret->version, "1.0.0");
}

void VT(describe)(VT(list_module_spec_t) *ret) {
  ret->len = MODULES;
  ret->ptr = room_for(MODULES, sizeof *ret->ptr);
  for (int i = 0; i < MODULES; i++) {
    ret->ptr[i].id = i;
    WORLD(string_dup)(&ret->ptr[i].name, modules[i].name);
    ret->ptr[i].options = modules[i].options;
    if (i != STORE) continue;
    ret->ptr[i].shadow_names.len = 1;
    ret->ptr[i].shadow_names.ptr = room_for(1, sizeof(String));
    WORLD(string_dup)(&ret->ptr[i].shadow_names.ptr[0], "data");
  }
}

static void copy_name(char *to, const String *from) {
  size_t len = from->len < 31 ? from->len : 31;
  memcpy(to, from->ptr, len);
  to[len] = 0;
}

static bool connect_store(Store *s, uint64_t module, bool create, const Strings *args, Error *err) {
  if (create && s->used) clear(s); /* its CREATE was undone by ROLLBACK TO, or it was dropped */
  bool there = s->used;
  s->used = true;
  s->module = module;
  copy_name(s->database, &args->ptr[0]);
  copy_name(s->name, &args->ptr[1]);
  s->unique = has_word(args, "unique");
  s->stored = has_word(args, "stored");
  s->tries = has_word(args, "tries");
  note(create ? "create" : "connect", s->name);
  bool done = !fails(s, create ? "create" : "connect", err);
  if (done && create) {
    s->open = s->created = true;
    done = !s->stored || run(s, "CREATE TABLE %(id INTEGER PRIMARY KEY, a, b, c)", NULL, NULL, err);
  } else if (done && !there && s->stored) {
    done = read_shadow(s, err);
  }
  if (!done) clear(s);
  else s->connected = true;
  return done;
}

enum { JOURNAL_TABLE = 100, TRIED_TABLE };

bool VT(connect)(uint64_t module, VT(connection_kind_t) kind, Strings *args, VT(table_schema_t) *ret, Error *err) {
  bool create = kind == EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_CONNECTION_KIND_CREATE, done = true;
  ret->table = module == JOURNAL ? JOURNAL_TABLE : TRIED_TABLE;
  if (module <= PAD) {
    char database[32], name[32];
  char was[32];              /* its name before it was renamed: there is no call when that is rolled back */
    copy_name(database, &args->ptr[0]);
    copy_name(name, &args->ptr[1]);
    ret->table = find(database, name);
    done = connect_store(stores[ret->table], module, create, args, err);
  }
  WORLD(list_string_free)(args);
  if (!done) return false;
  WORLD(string_dup)(&ret->declaration,
    module <= PAD ? "CREATE TABLE x(a, b, c)" : "CREATE TABLE x(place, call, unused)");
  return true;
}

void VT(disconnect)(uint32_t table) {
  if (table >= JOURNAL_TABLE) return;
  if (stores[table]->tries) try_at("disconnect");
  note("disconnect", stores[table]->name);
  stores[table]->connected = false;
}

/* The rows stay in case a DROP is rolled back; a CREATE forgets them. */
bool VT(destroy)(uint32_t table, Error *err) {
  Store *s = stores[table];
  if (fails(s, "destroy", err)) return false;
  note("destroy", s->name);
  s->connected = false;
  if (!s->stored) return true;
  bool done = run(s, "DROP TABLE %", NULL, NULL, err);
  if (done) clear(s);
  return done;
}

/* ---- Scans: of all rows in their order, or of one rowid ---------------------------------------------- */

typedef struct { bool used; uint32_t table; Rows rows; size_t at; } Scan;
static Scan scans[64];

bool VT(best_index)(uint32_t table, Query *query, VT(option_index_plan_t) *ret, Error *err) {
  memset(ret, 0, sizeof *ret);
  ret->is_some = true;
  Plan *plan = &ret->val;
  plan->cost = plan->rows = 100;
  plan->usages.len = query->constraints.len;
  plan->usages.ptr = room_for(plan->usages.len, sizeof *plan->usages.ptr);
  for (size_t i = 0; i < query->constraints.len && plan->number == 0; i++) {
    const Constraint *c = (const Constraint *)&query->constraints.ptr[i];
    if (table >= JOURNAL_TABLE || !c->usable || c->column != -1 || c->op != EQ) continue;
    plan->usages.ptr[i].argument = plan->number = plan->cost = plan->rows = 1;
    plan->unique = true;
  }
  if (query->order_by.len == 1 && query->order_by.ptr[0].column == -1) {
    plan->ordered = !query->order_by.ptr[0].descending;
  }
  VT(index_query_free)(query);
  return table >= JOURNAL_TABLE || !fails(stores[table], "best-index", err);
}

bool VT(open)(uint32_t table, uint32_t *ret, Error *err) {
  (void)err;
  uint32_t i = 0;
  while (scans[i].used) i++;
  scans[i] = (Scan){true, table, {NULL, 0}, 0};
  *ret = i;
  return true;
}

void VT(close)(uint32_t cursor) {
  drop_rows(&scans[cursor].rows);
  scans[cursor].used = false;
  if (scans[cursor].table == JOURNAL_TABLE) journal_len = 0;
}

static void put_texts(Rows *rows, const char *place, const Sentence *s) {
  Row row = {.rowid = rows->len + 1};
  give_text(&row.values[0], place);
  give_bytes(&row.values[1], TEXT, s->text, s->len);
  put_row(rows, row);
}

/* Deep copies, so that changes during a scan do not affect it. */
static Rows scanned(uint32_t table, const Value *rowid) {
  Rows rows = {NULL, 0};
  if (table == JOURNAL_TABLE) {
    for (size_t i = 0; i < journal_len; i++) put_texts(&rows, "", &journal[i]);
  } else if (table == TRIED_TABLE) {
    for (size_t i = 0; i < tried_count * TRIES; i++) {
      put_texts(&rows, tried[i / TRIES].place, &tried[i / TRIES].came[i % TRIES]);
    }
  } else if (rowid) {
    Row *row = rowid->tag == INTEGER ? row_of(&stores[table]->rows, rowid->val.integer) : NULL;
    Rows one = {row, row != NULL};
    return copy_rows(&one);
  } else {
    return copy_rows(&stores[table]->rows);
  }
  return rows;
}

static void give_batch(Scan *scan, uint32_t most, Batch *ret) {
  size_t left = scan->rows.len - scan->at, count = left < most ? left : most;
  Value *to = begin_nulls(ret, count, COLUMNS, count == left);
  for (size_t i = 0; i < count; i++, scan->at++) {
    ret->rowids.ptr[i] = scan->rows.ptr[scan->at].rowid;
    for (int c = 0; c < COLUMNS; c++) *to++ = copy_of(&scan->rows.ptr[scan->at].values[c]);
  }
}

bool VT(filter)(
  uint32_t cursor, int32_t number, String *text, Arguments *args, uint32_t max_rows, Batch *ret, Error *err
) {
  (void)err;
  Scan *scan = &scans[cursor];
  WORLD(string_free)(text);
  drop_rows(&scan->rows);
  scan->at = 0;
  scan->rows = scanned(scan->table, number ? (const Value *)&args->ptr[0].val.value : NULL);
  VT(list_argument_free)(args);
  give_batch(scan, max_rows, ret);
  return true;
}

bool VT(fetch)(uint32_t cursor, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err;
  give_batch(&scans[cursor], max_rows, ret);
  return true;
}

/* ---- Changes ---------------------------------------------------------------------------------------- */

static const char *const modes[] = {"rollback", "ignore", "fail", "abort", "replace"};
enum { REPLACE = EXPORTS_SQLITE_EXTENSION_WRITABLE_TABLE_CONFLICT_MODE_REPLACE };

static bool conflict(const Store *s, int32_t code, const char *column, Error *err) {
  Sentence text = {0};
  add(&text, "UNIQUE constraint failed: ");
  add(&text, s->name);
  add(&text, column);
  fail_with(err, 19, &text);
  err->extended_code = code;
  return false;
}

/* Inserts a row, or replaces the row `old`. Takes ownership of the row, and frees it on failure. */
static bool place(Store *s, const Row *old, Row row, WT(conflict_mode_t) mode, Error *err) {
  int64_t own = old ? old->rowid : 0;
  const Row *same = row_of(&s->rows, row.rowid);
  bool done = true;
  if (same && !(old && own == row.rowid) && mode != REPLACE) done = conflict(s, 2579, ".rowid", err);
  for (size_t i = 0; i < s->rows.len && done && s->unique && mode != REPLACE; i++) {
    const Row *other = &s->rows.ptr[i];
    if ((old && other->rowid == own) || !holds(&other->values[0], EQ, &row.values[0])) continue;
    done = conflict(s, 2067, ".a", err);
  }
  if (!done) {
    drop_row(&row);
    return false;
  }
  for (size_t i = s->rows.len; i-- > 0 && s->unique;) {
    if (holds(&s->rows.ptr[i].values[0], EQ, &row.values[0])) remove_row(&s->rows, s->rows.ptr[i].rowid);
  }
  if (old) remove_row(&s->rows, own);
  remove_row(&s->rows, row.rowid);
  put_row(&s->rows, row);
  return true;
}

/* "fail:FUNCTION" makes that function fail once from now on. */
static void arm(Store *s, const Row *row) {
  const Value *b = &row->values[1];
  if (b->tag != TEXT || b->val.text.len < 6 || b->val.text.len > 20 || memcmp(b->val.text.ptr, "fail:", 5)) return;
  memcpy(s->failing, b->val.text.ptr + 5, b->val.text.len - 5);
  s->failing[b->val.text.len - 5] = 0;
  s->code = row->values[2].tag == INTEGER ? row->values[2].val.integer : 1;
}

bool WT(insert)(
  uint32_t table, int64_t *rowid, WT(list_sql_value_t) *values, WT(conflict_mode_t) mode, int64_t *ret, Error *err
) {
  Store *s = stores[table];
  Row row = {.rowid = rowid ? *rowid : s->rows.len ? s->rows.ptr[s->rows.len - 1].rowid + 1 : 1};
  for (int c = 0; c < COLUMNS; c++) row.values[c] = copy_of((const Value *)&values->ptr[c]);
  WT(list_sql_value_free)(values);
  note_number(rowid ? "insert at" : "insert", s->name, row.rowid);
  add(&journal[journal_len - 1], " "), add(&journal[journal_len - 1], modes[mode]);
  *ret = row.rowid;
  if (fails(s, "insert", err)) {
    drop_row(&row);
    return false;
  }
  arm(s, &row);
  return place(s, NULL, row, mode, err);
}

bool WT(update)(
  uint32_t table, int64_t rowid, int64_t fresh, WT(list_option_sql_value_t) *values, WT(conflict_mode_t) mode,
  Error *err
) {
  Store *s = stores[table];
  const Row *old = row_of(&s->rows, rowid);
  Sentence *said = note("update", s->name);
  add(said, " "), add_integer(said, rowid), add(said, " "), add_integer(said, fresh);
  Row row = {.rowid = fresh};
  for (int c = 0; c < COLUMNS; c++) {
    bool kept = !values->ptr[c].is_some;
    add(said, kept ? " kept" : " "), kept ? (void)0 : add_value(said, (const Value *)&values->ptr[c].val);
    if (!kept) row.values[c] = copy_of((const Value *)&values->ptr[c].val);
    else if (old) row.values[c] = copy_of(&old->values[c]);
  }
  WT(list_option_sql_value_free)(values);
  bool done = !fails(s, "update", err);
  if (done && old) {
    arm(s, &row);
    return place(s, old, row, mode, err);
  }
  drop_row(&row);
  return done; /* a row that REPLACE took away is not there to be changed */
}

bool WT(delete)(uint32_t table, int64_t rowid, Error *err) {
  Store *s = stores[table];
  note_number("delete", s->name, rowid);
  if (fails(s, "delete", err)) return false;
  remove_row(&s->rows, rowid);
  return true;
}

/* ---- Transactions ----------------------------------------------------------------------------------- */

bool WT(begin)(uint32_t table, Error *err) {
  Store *s = stores[table];
  note("begin", s->name);
  if (fails(s, "begin", err)) return false;
  if (s->open) return true; /* once for each of its names: it was renamed in this transaction */
  s->open = true;
  s->before = copy_rows(&s->rows);
  return true;
}

bool WT(sync)(uint32_t table, Error *err) {
  Store *s = stores[table];
  note("sync", s->name);
  return !fails(s, "sync", err) && (!s->stored || write_shadow(s, err));
}

void WT(commit)(uint32_t table) {
  Store *s = stores[table];
  if (s->tries) try_at("commit");
  note("commit", s->name);
  forget_savepoints(s, 0);
  drop_rows(&s->before);
  s->open = s->created = false;
}

void WT(rollback)(uint32_t table) {
  Store *s = stores[table];
  if (s->tries) try_at("rollback");
  note("rollback", s->name);
  if (!s->open) return;
  forget_savepoints(s, 0);
  drop_rows(&s->rows);
  s->rows = s->before;
  s->before = (Rows){NULL, 0};
  s->open = s->created = false;
}

bool WT(savepoint)(uint32_t table, int32_t n, Error *err) {
  Store *s = stores[table];
  note_number("savepoint", s->name, n);
  if (fails(s, "savepoint", err)) return false;
  if (n > s->depth) __builtin_trap(); /* they are counted from 0 */
  forget_savepoints(s, n);
  s->saved[s->depth++] = copy_rows(&s->rows);
  return true;
}

bool WT(release)(uint32_t table, int32_t n, Error *err) {
  Store *s = stores[table];
  note_number("release", s->name, n);
  if (fails(s, "release", err)) return false;
  forget_savepoints(s, n);
  return true;
}

bool WT(rollback_to)(uint32_t table, int32_t n, Error *err) {
  Store *s = stores[table];
  note_number("rollback-to", s->name, n);
  if (fails(s, "rollback-to", err)) return false;
  if (n >= s->depth) __builtin_trap(); /* no such savepoint */
  forget_savepoints(s, n + 1);
  drop_rows(&s->rows);
  s->rows = copy_rows(&s->saved[n]);
  return true;
}

/* ---- The rest --------------------------------------------------------------------------------------- */

bool WT(rename)(uint32_t table, String *name, Error *err) {
  Store *s = stores[table];
  Store old = *s;
  note("rename", s->name);
  bool done = !fails(s, "rename", err);
  if (done) strcpy(s->was, s->name), copy_name(s->name, name);
  WORLD(string_free)(name);
  if (!done || !s->stored) return done;
  char sql[128] = "ALTER TABLE % RENAME TO \"";
  strcat(sql, s->name);
  return run(&old, strcat(sql, "_data\""), NULL, NULL, err);
}

bool WT(integrity)(uint32_t table, bool quick, WORLD(option_string_t) *ret, Error *err) {
  Store *s = stores[table];
  memset(ret, 0, sizeof *ret);
  if (fails(s, "integrity", err)) return false;
  Sentence text = {0};
  for (size_t i = 0; i < s->rows.len && !ret->is_some; i++) {
    const Value *b = &s->rows.ptr[i].values[1];
    if (b->tag != TEXT || b->val.text.len != 7 || memcmp(b->val.text.ptr, "damaged", 7)) continue;
    add(&text, s->name), add(&text, quick ? " (quick)" : ""), add(&text, ": damaged row ");
    add_integer(&text, s->rows.ptr[i].rowid);
    WORLD(string_dup_n)(&ret->val, text.text, text.len);
    ret->is_some = true;
  }
  return true;
}
