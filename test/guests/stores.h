/*
** The stores of tables-writable.c: rows in memory by the database and name of their table, with their state at the start
** of the transaction and of its savepoints, and in a shadow table if requested. Also the journal of the calls. Include
** it after kept-rows.h.
*/

/* ---- The journal ------------------------------------------------------------------------------------ */

static Sentence *journal;
static size_t journal_len;

static inline Sentence *note(const char *what, const char *table) {
  journal = more_room(journal, journal_len + 1, sizeof *journal);
  Sentence *s = &journal[journal_len++];
  s->len = 0;
  add(s, what);
  add(s, " ");
  add(s, table);
  return s;
}

static inline void note_number(const char *what, const char *table, int64_t n) {
  Sentence *s = note(what, table);
  add(s, " ");
  add_integer(s, n);
}

static struct { const char *place; Sentence came[TRIES]; } tried[32];
static size_t tried_count;
static bool trying;

static inline void try_at(const char *place) {
  for (size_t i = 0; i < tried_count; i++) if (strcmp(tried[i].place, place) == 0) return;
  if (trying) return;
  trying = true;
  size_t at = tried_count++;
  tried[at].place = place;
  for (int i = 0; i < TRIES; i++) tried[at].came[i] = try_call(i);
  trying = false;
}

/* ---- Stores ----------------------------------------------------------------------------------------- */

typedef struct {
  bool used, connected, unique, stored, tries;
  bool open, created;        /* whether a transaction is open; whether the table was created in it */
  uint64_t module;
  char database[32], name[32];
  char was[32];              /* the name before a RENAME, whose rollback is not reported */
  Rows rows, before;         /* now, and at the start of the transaction */
  Rows saved[32];            /* at the start of each savepoint */
  int32_t depth;
  char failing[16];
  int64_t code;
} Store;
static Store *stores[64];

static inline bool fails(Store *s, const char *where, Error *err) {
  if (s->tries) try_at(where);
  if (strcmp(s->failing, where) != 0) return false;
  s->failing[0] = 0;
  Sentence text = {0};
  add(&text, where);
  add(&text, " failed as asked");
  fail_with(err, s->code & 255, &text);
  err->extended_code = s->code;
  return true;
}

static inline void forget_savepoints(Store *s, int32_t from) {
  while (s->depth > from) drop_rows(&s->saved[--s->depth]);
}

static inline void clear(Store *s) {
  forget_savepoints(s, 0);
  drop_rows(&s->rows);
  drop_rows(&s->before);
  memset(s, 0, sizeof *s);
}

static inline uint32_t find(const char *database, const char *name) {
  uint32_t i = 0;
  for (int was = 0; was < 2; was++) {
    for (i = 0; stores[i]; i++) {
      Store *s = stores[i];
      if (!s->used || strcmp(s->database, database) || strcmp(was ? s->was : s->name, name)) continue;
      if (was && s->connected) continue;
      if (was) strcpy(s->name, name);
      return i;
    }
  }
  for (i = 0; stores[i] && stores[i]->used; i++);
  if (!stores[i]) stores[i] = room_for(1, sizeof(Store));
  return i;
}

/* Runs SQL with the name of the shadow table for each %. */
static inline bool run(const Store *s, const char *sql, const Row *row, sqlite_extension_spi_query_result_t *ret, Error *err) {
  char text[256] = "", *at = text;
  for (; *sql; sql++) {
    if (*sql != '%') {
      *at++ = *sql;
      continue;
    }
    strcpy(at, "\""), strcat(at, s->database), strcat(at, "\".\""), strcat(at, s->name), strcat(at, "_data\"");
    at += strlen(at);
  }
  Value params[COLUMNS + 1] = {{.tag = INTEGER}};
  if (row) params[0].val.integer = row->rowid, memcpy(params + 1, row->values, sizeof row->values);
  WORLD(string_t) whole = {(uint8_t *)text, at - text};
  sqlite_extension_spi_list_sql_value_t list = {params, row ? COLUMNS + 1 : 0};
  sqlite_extension_spi_query_result_t result;
  if (!sqlite_extension_spi_execute(&whole, &list, ret ? ret : &result, err)) return false;
  if (!ret) sqlite_extension_spi_query_result_free(&result);
  return true;
}

static inline bool read_shadow(Store *s, Error *err) {
  sqlite_extension_spi_query_result_t result;
  if (!run(s, "SELECT id, a, b, c FROM %", NULL, &result, err)) return false;
  for (size_t i = 0; i < result.rows.len; i++) {
    const Value *from = (const Value *)result.rows.ptr[i].ptr;
    Row row = {.rowid = from[0].val.integer};
    for (int c = 0; c < COLUMNS; c++) row.values[c] = copy_of(&from[1 + c]);
    put_row(&s->rows, row);
  }
  sqlite_extension_spi_query_result_free(&result);
  return true;
}

static inline bool write_shadow(const Store *s, Error *err) {
  bool done = run(s, "DELETE FROM %", NULL, NULL, err);
  for (size_t i = 0; i < s->rows.len && done; i++) {
    done = run(s, "INSERT INTO % VALUES (?1, ?2, ?3, ?4)", &s->rows.ptr[i], NULL, err);
  }
  return done;
}

