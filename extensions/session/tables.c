/*
** The table `sessions`, which lists them; session_warnings(h), what one leaves out without a word; and CREATE VIRTUAL
** TABLE temp.NAME USING session(database, table, ...), a session as a table of one row.
*/
#include "functions_and_tables.h"
#define WORLD(name) functions_and_tables_##name
#include "guest.h"
#include "handle.h"

typedef functions_and_tables_string_t String;
typedef functions_and_tables_list_string_t Strings;
typedef exports_sqlite_extension_virtual_table_batch_t Batch;

enum { SESSIONS, WARNINGS, SESSION, MODULES }; /* modules; also the numbers of the eponymous tables */
enum { FIRST_OWN = SESSION };                  /* the own tables' numbers count up from it */
enum { LISTED_COLUMNS = 7, OWN_COLUMNS = 3, WARNING_COLUMNS = 4 };
enum { CHANGESET, PATCHSET, HANDLE };
enum { WARNING_HANDLE = 3, EQ = 2 };

/*
** A session that is a table. SQLite disconnects and connects tables at will, so it is found by its name: it ends
** by DROP (destroy), with the transaction that created it (rollback), or with the connection.
*/
typedef struct {
  char *name;      /* of the table in temp; NULL where the entry is free */
  Handle handle;
  bool created;    /* in the transaction that is open */
} Own;

static Own *own;
static uint32_t owned;

/* A scan of table `table`, which has shown `at` rows of a list; that of warnings is its own. */
typedef struct {
  bool used;
  uint32_t table;
  size_t at;
  Handle handle;
  sqlite_extension_session_list_warning_t warnings;
} Scan;
static Scan *scans;
static uint32_t room;

void exports_sqlite_extension_virtual_table_describe(
  exports_sqlite_extension_virtual_table_list_module_spec_t *ret
) {
  static const char *const names[MODULES] = {"sessions", "session_warnings", "session"};
  ret->len = MODULES;
  ret->ptr = calloc(MODULES, sizeof *ret->ptr);
  if (!ret->ptr) abort();
  for (int i = 0; i < MODULES; i++) {
    ret->ptr[i].id = i;
    WORLD(string_dup)(&ret->ptr[i].name, names[i]);
    ret->ptr[i].options = EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_EPONYMOUS;
  }
  ret->ptr[SESSION].options = EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_CREATABLE |
                              EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_TRANSACTIONAL |
                              EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_SAVEPOINTS;
}

static bool same(const String *s, const char *text) {
  return s->len == strlen(text) && memcmp(s->ptr, text, s->len) == 0;
}

/* A name as SQL writes it, without its quotes. */
static void unquoted(const String *from, String *to) {
  size_t len = from->len;
  const uint8_t *at = from->ptr;
  uint8_t end = len > 1 ? (at[0] == '[' ? ']' : at[0]) : 0;
  bool quoted = (end == '"' || end == '\'' || end == '`' || end == ']') && at[len - 1] == end;
  to->ptr = malloc(len ? len : 1);
  if (!to->ptr) abort();
  to->len = 0;
  for (size_t i = quoted; i < len - quoted; i++) {
    to->ptr[to->len++] = at[i];
    if (quoted && at[i] == end && i + 1 < len - 1 && at[i + 1] == end) i++;
  }
}

static bool sentence(Error *err, int32_t code, const char *text) {
  Sentence s = {0};
  add(&s, text);
  return fail(err, code, &s);
}

static void end(Own *o) {
  Error ignored;
  if (!sqlite_extension_session_delete(o->handle, &ignored)) {
    exports_sqlite_extension_virtual_table_sqlite_error_free(&ignored);
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
    if (!done && err->code == NOTICE) { /* it records from the moment it can */
      exports_sqlite_extension_virtual_table_sqlite_error_free(err);
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
      return sentence(err, 1, "a session is a temporary table: CREATE VIRTUAL TABLE temp.NAME USING session(...)");
    }
    if (o) end(o); /* its CREATE was undone by ROLLBACK TO */
    for (o = own; o < own + owned && o->name; o++);
    if (o == own + owned) {
      own = realloc(own, (owned + 1) * sizeof *own);
      if (!own) abort();
      o = &own[owned++];
    }
    memset(o, 0, sizeof *o);
    if (!start(o, args, err)) return false;
    o->name = malloc(args->ptr[1].len + 1);
    if (!o->name) abort();
    memcpy(o->name, args->ptr[1].ptr, args->ptr[1].len);
    o->name[args->ptr[1].len] = 0;
    o->created = true;
  } else if (!o) {
    return sentence(err, 1, "this session ended with the component that was loaded then: drop the table");
  }
  *table = FIRST_OWN + (o - own);
  return true;
}

bool exports_sqlite_extension_virtual_table_connect(
  uint64_t module, exports_sqlite_extension_virtual_table_connection_kind_t kind, Strings *args,
  exports_sqlite_extension_virtual_table_table_schema_t *ret, Error *err
) {
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

void exports_sqlite_extension_virtual_table_disconnect(uint32_t table) { (void)table; }

bool exports_sqlite_extension_virtual_table_destroy(uint32_t table, Error *err) {
  (void)err;
  if (table >= FIRST_OWN && own[table - FIRST_OWN].name) end(&own[table - FIRST_OWN]);
  return true;
}

/*
** The plan's number says which columns are used: a changeset is made only where it is asked for. Warnings are those of
** the handle that the first usable term gives.
*/
bool exports_sqlite_extension_virtual_table_best_index(
  uint32_t table, exports_sqlite_extension_virtual_table_index_query_t *query,
  exports_sqlite_extension_virtual_table_option_index_plan_t *ret, Error *err
) {
  (void)err;
  memset(ret, 0, sizeof *ret);
  ret->is_some = true;
  ret->val.number = query->columns_used & 7;
  ret->val.cost = ret->val.rows = table < FIRST_OWN ? 10 : 1;
  ret->val.unique = table >= FIRST_OWN;
  size_t count = query->constraints.len, given = count;
  bool unusable = false;
  for (size_t i = 0; i < count && table == WARNINGS; i++) {
    if (query->constraints.ptr[i].column != WARNING_HANDLE || query->constraints.ptr[i].op != EQ) continue;
    if (!query->constraints.ptr[i].usable) unusable = true;
    else if (given == count) given = i;
  }
  if (given < count) {
    ret->val.usages.ptr = calloc(count, sizeof *ret->val.usages.ptr);
    if (!ret->val.usages.ptr) abort();
    ret->val.usages.len = count;
    ret->val.usages.ptr[given].argument = 1;
    ret->val.usages.ptr[given].omit = true;
  } else if (unusable) {
    ret->is_some = false;
  }
  exports_sqlite_extension_virtual_table_index_query_free(query);
  return true;
}

bool exports_sqlite_extension_virtual_table_open(uint32_t table, uint32_t *ret, Error *err) {
  (void)err;
  uint32_t i = 0;
  while (i < room && scans[i].used) i++;
  if (i == room) {
    scans = realloc(scans, ++room * sizeof *scans);
    if (!scans) abort();
  }
  scans[i] = (Scan){.used = true, .table = table};
  *ret = i;
  return true;
}
void exports_sqlite_extension_virtual_table_close(uint32_t cursor) {
  sqlite_extension_session_list_warning_free(&scans[cursor].warnings);
  scans[cursor].used = false;
}

static void rows(Batch *ret, size_t count, size_t columns) {
  memset(ret, 0, sizeof *ret);
  ret->rowids.ptr = malloc((count ? count : 1) * sizeof(int64_t));
  ret->values.ptr = calloc(count ? count * columns : 1, sizeof(Value)); /* all NULL */
  if (!ret->rowids.ptr || !ret->values.ptr) abort();
  ret->rowids.len = count;
  ret->values.len = count * columns;
  for (size_t i = 0; i < count; i++) ret->rowids.ptr[i] = i + 1;
  ret->done = true;
}

static void give_text(Value *to, const String *text) {
  to->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
  WORLD(string_dup_n)(&to->val.text, (const char *)text->ptr, text->len);
}

/* The names of tables in one text, with ", " between them. */
static void give_names(Value *to, const Strings *names) {
  size_t len = 0;
  for (size_t i = 0; i < names->len; i++) len += names->ptr[i].len + 2;
  to->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
  uint8_t *at = to->val.text.ptr = malloc(len ? len : 1);
  if (!at) abort();
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
  size_t left = all.len > scan->at ? all.len - scan->at : 0, count = left < max ? left : max;
  rows(ret, count, LISTED_COLUMNS);
  ret->done = count == left;
  for (size_t i = 0; i < count; i++, scan->at++) {
    sqlite_extension_session_session_state_t *s = &all.ptr[scan->at];
    Value *row = (Value *)ret->values.ptr + i * LISTED_COLUMNS;
    ret->rowids.ptr[i] = scan->at + 1;
    give_integer(&row[0], s->h);
    give_text(&row[1], &s->dbname);
    give_names(&row[2], &s->tables);
    give_integer(&row[3], s->enabled);
    give_integer(&row[4], s->indirect);
    give_integer(&row[5], s->empty);
    give_integer(&row[6], s->bytes);
  }
  sqlite_extension_session_list_session_state_free(&all);
}

static void warnings(Scan *scan, uint32_t max, Batch *ret) {
  size_t left = scan->warnings.len - scan->at, count = left < max ? left : max;
  rows(ret, count, WARNING_COLUMNS);
  ret->done = count == left;
  for (size_t i = 0; i < count; i++, scan->at++) {
    const sqlite_extension_session_warning_t *w = &scan->warnings.ptr[scan->at];
    Value *row = (Value *)ret->values.ptr + i * WARNING_COLUMNS;
    ret->rowids.ptr[i] = scan->at + 1;
    give_text(&row[0], &w->kind);
    give_text(&row[1], &w->table);
    give_text(&row[2], &w->message);
    give_integer(&row[WARNING_HANDLE], scan->handle);
  }
}

static bool warn(Scan *scan, const exports_sqlite_extension_virtual_table_list_argument_t *args, Error *err) {
  Value none = {.tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_NULL};
  const Value *given = args->len ? (const Value *)&args->ptr[0].val.value : &none;
  sqlite_extension_session_list_warning_free(&scan->warnings);
  memset(&scan->warnings, 0, sizeof scan->warnings);
  return handle_of("session_warnings", given, &scan->handle, err) &&
         sqlite_extension_session_warnings(scan->handle, &scan->warnings, err);
}

static bool one(uint32_t table, int32_t used, Batch *ret, Error *err) {
  Handle h = own[table - FIRST_OWN].handle;
  rows(ret, 1, OWN_COLUMNS);
  Value *row = (Value *)ret->values.ptr;
  bool done = true;
  give_integer(&row[HANDLE], h);
  if (used & (1 << CHANGESET)) {
    done = sqlite_extension_session_changeset(h, &row[CHANGESET].val.blob, err);
    if (done) row[CHANGESET].tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB;
  }
  if (done && used & (1 << PATCHSET)) {
    done = sqlite_extension_session_patchset(h, &row[PATCHSET].val.blob, err);
    if (done) row[PATCHSET].tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB;
  }
  if (!done) exports_sqlite_extension_virtual_table_batch_free(ret);
  return done;
}

bool exports_sqlite_extension_virtual_table_filter(
  uint32_t cursor, int32_t number, String *text, exports_sqlite_extension_virtual_table_list_argument_t *args,
  uint32_t max_rows, Batch *ret, Error *err
) {
  WORLD(string_free)(text);
  Scan *scan = &scans[cursor];
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
  exports_sqlite_extension_virtual_table_list_argument_free(args);
  return done;
}

bool exports_sqlite_extension_virtual_table_fetch(uint32_t cursor, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err; /* only the lists have more than one row */
  Scan *scan = &scans[cursor];
  if (scan->table == WARNINGS) warnings(scan, max_rows, ret);
  else list(scan, max_rows, ret);
  return true;
}

/* ---- Transactions: only for the CREATE that one undoes ------------------------------------------ */

bool exports_sqlite_extension_writable_table_begin(uint32_t table, Error *err) {
  (void)table; (void)err;
  return true;
}
bool exports_sqlite_extension_writable_table_sync(uint32_t table, Error *err) {
  (void)table; (void)err;
  return true;
}
void exports_sqlite_extension_writable_table_commit(uint32_t table) {
  if (table >= FIRST_OWN) own[table - FIRST_OWN].created = false;
}
void exports_sqlite_extension_writable_table_rollback(uint32_t table) {
  if (table >= FIRST_OWN && own[table - FIRST_OWN].created) end(&own[table - FIRST_OWN]);
}

/* ---- What these tables do not do ---------------------------------------------------------------- */

typedef exports_sqlite_extension_writable_table_list_sql_value_t Row;
static bool read_only(Error *err) { return sentence(err, 8, "sessions are changed by the session_ functions"); }

bool exports_sqlite_extension_writable_table_insert(
  uint32_t table, int64_t *rowid, Row *row, exports_sqlite_extension_writable_table_conflict_mode_t mode, int64_t *ret,
  Error *err
) {
  (void)table; (void)rowid; (void)mode; (void)ret;
  exports_sqlite_extension_writable_table_list_sql_value_free(row);
  return read_only(err);
}
bool exports_sqlite_extension_writable_table_update(
  uint32_t table, int64_t rowid, int64_t fresh, exports_sqlite_extension_writable_table_list_option_sql_value_t *row,
  exports_sqlite_extension_writable_table_conflict_mode_t mode, Error *err
) {
  (void)table; (void)rowid; (void)fresh; (void)mode;
  exports_sqlite_extension_writable_table_list_option_sql_value_free(row);
  return read_only(err);
}
bool exports_sqlite_extension_writable_table_delete(uint32_t table, int64_t rowid, Error *err) {
  (void)table; (void)rowid;
  return read_only(err);
}
bool exports_sqlite_extension_writable_table_savepoint(uint32_t table, int32_t n, Error *err) {
  (void)table; (void)n; (void)err;
  return true;
}
bool exports_sqlite_extension_writable_table_release(uint32_t table, int32_t n, Error *err) {
  (void)table; (void)n; (void)err;
  return true;
}
bool exports_sqlite_extension_writable_table_rollback_to(uint32_t table, int32_t n, Error *err) {
  (void)table; (void)n; (void)err;
  return true;
}
bool exports_sqlite_extension_writable_table_rename(uint32_t table, String *name, Error *err) {
  (void)table;
  WORLD(string_free)(name);
  return read_only(err);
}
bool exports_sqlite_extension_writable_table_integrity(
  uint32_t table, bool quick, functions_and_tables_option_string_t *ret, Error *err
) {
  (void)table; (void)quick; (void)err;
  ret->is_some = false;
  return true;
}
