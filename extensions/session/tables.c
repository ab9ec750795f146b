/*
** The table `sessions`, which lists the sessions; session_warnings(h), which lists changes that a session silently does
** not record; and CREATE VIRTUAL TABLE temp.NAME USING session(database, table, ...), a session as a table with one
** row.
*/
#include "handle.h"
#include "table.h"

#define WT(name) exports_sqlite_extension_writable_table_##name

enum { SESSIONS, WARNINGS, SESSION, MODULES }; /* modules; also the numbers of the eponymous tables */
enum { FIRST_OWN = SESSION };                  /* the own tables' numbers count up from it */
enum { LISTED_COLUMNS = 7, OWN_COLUMNS = 3, WARNING_COLUMNS = 4 };
enum { CHANGESET, PATCHSET, HANDLE };
enum { WARNING_HANDLE = 3 };

/*
** A session as a table. SQLite may disconnect and connect tables at any time, so the session is found by the table's
** name. It ends with DROP (destroy), with a rollback of its CREATE, or with the connection.
*/
typedef struct {
  char *name;      /* of the table in temp; NULL if the entry is free */
  Handle handle;
  bool created;    /* in the transaction that is open */
} Own;

static Own *own;
static uint32_t owned;

/* A scan of table `table`, which has returned `at` rows of a list. `warnings` is used by session_warnings. */
typedef struct {
  uint32_t table;
  size_t at;
  Handle handle;
  sqlite_extension_session_list_warning_t warnings;
} Scan;

/* The number of a scan is its address. */
static Scan *scan_of(uint32_t number) { return (Scan *)(uintptr_t)number; }

void VT(describe)(VT(list_module_spec_t) *ret) {
  static const char *const names[MODULES] = {"sessions", "session_warnings", "session"};
  ret->len = MODULES;
  ret->ptr = allocate_zeroed(MODULES * sizeof *ret->ptr);
  for (int i = 0; i < MODULES; i++) {
    ret->ptr[i].id = i;
    WORLD(string_dup)(&ret->ptr[i].name, names[i]);
    ret->ptr[i].options = MODULE(EPONYMOUS);
  }
  ret->ptr[SESSION].options = MODULE(CREATABLE) | MODULE(TRANSACTIONAL) | MODULE(SAVEPOINTS);
}

static bool same(const String *s, const char *text) {
  return s->len == strlen(text) && memcmp(s->ptr, text, s->len) == 0;
}

/* Removes the quotes of an SQL name. */
static void unquoted(const String *from, String *to) {
  size_t len = from->len;
  const uint8_t *at = from->ptr;
  uint8_t end = len > 1 ? (at[0] == '[' ? ']' : at[0]) : 0;
  bool quoted = (end == '"' || end == '\'' || end == '`' || end == ']') && at[len - 1] == end;
  to->ptr = allocate(len);
  to->len = 0;
  for (size_t i = quoted; i < len - quoted; i++) {
    to->ptr[to->len++] = at[i];
    if (quoted && at[i] == end && i + 1 < len - 1 && at[i + 1] == end) i++;
  }
}

static void end(Own *o) {
  Error ignored;
  if (!sqlite_extension_session_delete(o->handle, &ignored)) {
    sqlite_extension_types_sqlite_error_free(&ignored);
  }
  free(o->name);
  memset(o, 0, sizeof *o);
}

static Own *find(const String *name) {
  for (uint32_t i = 0; i < owned; i++) if (own[i].name && same(name, own[i].name)) return &own[i];
  return NULL;
}

static bool start(Own *o, const Strings *args, Error *err) {
  String database = {(uint8_t *)"main", 4}, table;
  bool done, some = args->len > 2;
  if (some) unquoted(&args->ptr[2], &database);
  done = sqlite_extension_session_create_with(
    &database, SQLITE_EXTENSION_SESSION_SESSION_FLAGS_SIZE, &o->handle, err);
  if (some) free(database.ptr);
  if (!done) return false;
  if (args->len <= 3) done = sqlite_extension_session_attach(o->handle, NULL, err);
  for (size_t i = 3; i < args->len && done; i++) {
    unquoted(&args->ptr[i], &table);
    done = sqlite_extension_session_attach(o->handle, &table, err);
    free(table.ptr);
    if (!done && err->code == SQLITE_NOTICE) { /* it records from the moment it can */
      sqlite_extension_types_sqlite_error_free(err);
      done = true;
    }
  }
  if (!done) end(o);
  return done;
}

static bool connect_own(bool create, const Strings *args, uint32_t *table, Error *err) {
  Own *o = find(&args->ptr[1]);
  if (create) {
    if (!same(&args->ptr[0], "temp")) {
      return fail(err, SQLITE_ERROR, "a session is a temporary table: CREATE VIRTUAL TABLE temp.NAME USING session(...)");
    }
    if (o) end(o); /* its CREATE was undone by ROLLBACK TO */
    for (o = own; o < own + owned && o->name; o++);
    if (o == own + owned) {
      own = reallocate(own, (owned + 1) * sizeof *own);
      o = &own[owned++];
    }
    memset(o, 0, sizeof *o);
    if (!start(o, args, err)) return false;
    o->name = allocate(args->ptr[1].len + 1);
    memcpy(o->name, args->ptr[1].ptr, args->ptr[1].len);
    o->name[args->ptr[1].len] = 0;
    o->created = true;
  } else if (!o) {
    return fail(err, SQLITE_ERROR, "this session ended when its component was unloaded: drop the table");
  }
  *table = FIRST_OWN + (o - own);
  return true;
}

bool VT(connect)(uint64_t module, VT(connection_kind_t) kind, Strings *args, VT(table_schema_t) *ret, Error *err) {
  static const char *const declarations[MODULES] = {
    "CREATE TABLE x(handle INTEGER, dbname TEXT, tables TEXT, enabled INTEGER, indirect INTEGER, empty INTEGER, "
    "bytes INTEGER)",
    "CREATE TABLE x(kind TEXT, tbl TEXT, message TEXT, session HIDDEN)",
    "CREATE TABLE x(changeset BLOB, patchset BLOB, handle INTEGER)",
  };
  bool create = kind == EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_CONNECTION_KIND_CREATE;
  bool done = true;
  ret->table = module;
  if (module == SESSION) done = connect_own(create, args, &ret->table, err);
  WORLD(list_string_free)(args);
  if (done) WORLD(string_dup)(&ret->declaration, declarations[module]);
  return done;
}

void VT(disconnect)(uint32_t table) { (void)table; }

bool VT(destroy)(uint32_t table, Error *err) {
  (void)err;
  if (table >= FIRST_OWN && own[table - FIRST_OWN].name) end(&own[table - FIRST_OWN]);
  return true;
}

/*
** The plan's number has the used columns, so that a changeset is made only if needed. For warnings, the first usable
** constraint gives the handle.
*/
bool VT(best_index)(uint32_t table, Query *query, OptionalPlan *ret, Error *err) {
  (void)err;
  bool waits = false;
  Plan *plan = begin_plan(query, ret);
  plan->number = query->columns_used & 7;
  plan->cost = plan->rows = table < FIRST_OWN ? 10 : 1;
  plan->unique = table >= FIRST_OWN;
  int handle = table == WARNINGS ? given(query, WARNING_HANDLE, &waits) : -1;
  if (handle >= 0) pass(plan, handle, 1);
  else if (waits) no_plan(ret);
  VT(index_query_free)(query);
  return true;
}

bool VT(open)(uint32_t table, uint32_t *ret, Error *err) {
  (void)err;
  Scan *scan = allocate_zeroed(sizeof *scan);
  scan->table = table;
  *ret = (uint32_t)(uintptr_t)scan;
  return true;
}
void VT(close)(uint32_t number) {
  sqlite_extension_session_list_warning_free(&scan_of(number)->warnings);
  free(scan_of(number));
}

/* Begins a batch with the next rows of a list that has `left` more rows. */
static Value *begin_list(Scan *scan, size_t left, uint32_t max, size_t columns, Batch *ret) {
  size_t count = left < max ? left : max;
  Value *row = begin_batch(ret, count, columns);
  for (size_t i = 0; i < count; i++) ret->rowids.ptr[i] = scan->at + i + 1;
  ret->done = count == left;
  return row;
}

/* Returns the names of tables as one text, separated by ", ". */
static void give_names(Value *to, const Strings *names) {
  size_t len = 0;
  for (size_t i = 0; i < names->len; i++) len += names->ptr[i].len + 2;
  to->tag = TEXT;
  uint8_t *at = to->val.text.ptr = allocate(len);
  for (size_t i = 0; i < names->len; i++) {
    if (i) memcpy(at, ", ", 2), at += 2;
    memcpy(at, names->ptr[i].ptr, names->ptr[i].len);
    at += names->ptr[i].len;
  }
  to->val.text.len = at - to->val.text.ptr;
}

static void list(Scan *scan, uint32_t max, Batch *ret) {
  sqlite_extension_session_list_session_state_t all;
  sqlite_extension_session_sessions(&all);
  Value *row = begin_list(scan, all.len > scan->at ? all.len - scan->at : 0, max, LISTED_COLUMNS, ret);
  for (size_t i = 0; i < ret->rowids.len; i++, row += LISTED_COLUMNS) {
    const sqlite_extension_session_session_state_t *s = &all.ptr[scan->at++];
    give_integer(&row[0], s->h);
    give_string(&row[1], &s->dbname);
    give_names(&row[2], &s->tables);
    give_integer(&row[3], s->enabled);
    give_integer(&row[4], s->indirect);
    give_integer(&row[5], s->empty);
    give_integer(&row[6], s->bytes);
  }
  sqlite_extension_session_list_session_state_free(&all);
}

static void warnings(Scan *scan, uint32_t max, Batch *ret) {
  Value *row = begin_list(scan, scan->warnings.len - scan->at, max, WARNING_COLUMNS, ret);
  for (size_t i = 0; i < ret->rowids.len; i++, row += WARNING_COLUMNS) {
    const sqlite_extension_session_warning_t *w = &scan->warnings.ptr[scan->at++];
    give_string(&row[0], &w->kind);
    give_string(&row[1], &w->table);
    give_string(&row[2], &w->message);
    give_integer(&row[WARNING_HANDLE], scan->handle);
  }
}

static bool warn(Scan *scan, const Arguments *args, Error *err) {
  Value none = {.tag = NONE};
  const Value *handle = args->len ? &args->ptr[0].val.value : &none;
  sqlite_extension_session_list_warning_free(&scan->warnings);
  memset(&scan->warnings, 0, sizeof scan->warnings);
  return handle_of("session_warnings", handle, &scan->handle, err) &&
         sqlite_extension_session_warnings(scan->handle, &scan->warnings, err);
}

static bool one(uint32_t table, int32_t used, Batch *ret, Error *err) {
  Handle h = own[table - FIRST_OWN].handle;
  Value *row = begin_batch(ret, 1, OWN_COLUMNS);
  ret->rowids.ptr[0] = 1;
  ret->done = true;
  give_null(&row[CHANGESET]);
  give_null(&row[PATCHSET]);
  bool done = true;
  give_integer(&row[HANDLE], h);
  if (used & (1 << CHANGESET)) {
    done = sqlite_extension_session_changeset(h, &row[CHANGESET].val.blob, err);
    if (done) row[CHANGESET].tag = BLOB;
  }
  if (done && used & (1 << PATCHSET)) {
    done = sqlite_extension_session_patchset(h, &row[PATCHSET].val.blob, err);
    if (done) row[PATCHSET].tag = BLOB;
  }
  if (!done) VT(batch_free)(ret);
  return done;
}

bool VT(filter)(
  uint32_t cursor, int32_t number, String *text, Arguments *args, uint32_t max_rows, Batch *ret, Error *err
) {
  WORLD(string_free)(text);
  Scan *scan = scan_of(cursor);
  scan->at = 0;
  bool done = true;
  if (scan->table == SESSIONS) {
    list(scan, max_rows, ret);
  } else if (scan->table == WARNINGS) {
    done = warn(scan, args, err);
    if (done) warnings(scan, max_rows, ret);
  } else {
    done = one(scan->table, number, ret, err);
  }
  VT(list_argument_free)(args);
  return done;
}

bool VT(fetch)(uint32_t cursor, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err; /* only the lists have more than one row */
  Scan *scan = scan_of(cursor);
  if (scan->table == WARNINGS) warnings(scan, max_rows, ret);
  else list(scan, max_rows, ret);
  return true;
}

/* ---- Transactions: only to undo a CREATE -------------------------------------------------------- */

bool WT(begin)(uint32_t table, Error *err) {
  (void)table; (void)err;
  return true;
}
bool WT(sync)(uint32_t table, Error *err) {
  (void)table; (void)err;
  return true;
}
void WT(commit)(uint32_t table) {
  if (table >= FIRST_OWN) own[table - FIRST_OWN].created = false;
}
void WT(rollback)(uint32_t table) {
  if (table >= FIRST_OWN && own[table - FIRST_OWN].created) end(&own[table - FIRST_OWN]);
}

/* ---- What these tables do not do ---------------------------------------------------------------- */

typedef WT(list_sql_value_t) Row;
static bool read_only(Error *err) { return fail(err, SQLITE_READONLY, "sessions are changed by the session_ functions"); }

bool WT(insert)(
  uint32_t table, int64_t *rowid, Row *row, WT(conflict_mode_t) mode, int64_t *ret,
  Error *err
) {
  (void)table; (void)rowid; (void)mode; (void)ret;
  WT(list_sql_value_free)(row);
  return read_only(err);
}
bool WT(update)(
  uint32_t table, int64_t rowid, int64_t fresh, WT(list_option_sql_value_t) *row,
  WT(conflict_mode_t) mode, Error *err
) {
  (void)table; (void)rowid; (void)fresh; (void)mode;
  WT(list_option_sql_value_free)(row);
  return read_only(err);
}
bool WT(delete)(uint32_t table, int64_t rowid, Error *err) {
  (void)table; (void)rowid;
  return read_only(err);
}
bool WT(savepoint)(uint32_t table, int32_t n, Error *err) {
  (void)table; (void)n; (void)err;
  return true;
}
bool WT(release)(uint32_t table, int32_t n, Error *err) {
  (void)table; (void)n; (void)err;
  return true;
}
bool WT(rollback_to)(uint32_t table, int32_t n, Error *err) {
  (void)table; (void)n; (void)err;
  return true;
}
bool WT(rename)(uint32_t table, String *name, Error *err) {
  (void)table;
  WORLD(string_free)(name);
  return read_only(err);
}
bool WT(integrity)(
  uint32_t table, bool quick, WORLD(option_string_t) *ret, Error *err
) {
  (void)table; (void)quick; (void)err;
  ret->is_some = false;
  return true;
}
