/*
** Tables to read, for the tests of plans, scans and errors:
**
**   sample(n)   n generated rows; USING sample(rows=100, batch=7, late, filter|omit|all), in which the last word says
**               what a plan uses: constraints, constraints that SQLite need not check, or everything; default nothing
**   grid        the same, only with CREATE VIRTUAL TABLE
**   asks        one row: the query of best-index, and the arguments of filter
**   fails       USING fails(FUNCTION, code=N): that function fails
**   big         big(rows, bytes): long texts and blobs
**   direct, harmless   asks, with a flag
**   state       the numbers of connected tables and open scans, without its own
**   tried       the results of session, spi and changeset in each function so far
*/
#include "tabular.h"
#define WORLD(name) tabular_##name
#include "sentence.h"
#include "calls.h"
#include "rows.h"
#include "sample.h"

enum { SAMPLE, GRID, ASKS, FAILS, BIG, DIRECT, HARMLESS, STATE, TRIED, MODULES };

static const struct {
  const char *name;
  int options;
  size_t columns;
  const char *declaration;
} modules[MODULES] = {
  [SAMPLE] = {"sample", MODULE(EPONYMOUS) | MODULE(CREATABLE), 6,
    "CREATE TABLE x(id INTEGER, k INTEGER, r REAL, t TEXT, b BLOB, n INTEGER HIDDEN)"},
  [GRID] = {"grid", MODULE(CREATABLE), 6,
    "CREATE TABLE x(id INTEGER, k INTEGER, r REAL, t TEXT, b BLOB, n INTEGER HIDDEN)"},
  [ASKS] = {"asks", MODULE(EPONYMOUS), 7, "CREATE TABLE x(question, arguments, a, b, c COLLATE NOCASE, p HIDDEN, q HIDDEN)"},
  [FAILS] = {"fails", MODULE(CREATABLE), 1, "CREATE TABLE x(i)"},
  [BIG] = {"big", MODULE(EPONYMOUS), 5, "CREATE TABLE x(i, text, blob, rows HIDDEN, bytes HIDDEN)"},
  [DIRECT] = {"direct", MODULE(EPONYMOUS) | MODULE(DIRECT_ONLY), 7,
    "CREATE TABLE x(question, arguments, a, b, c, p HIDDEN, q HIDDEN)"},
  [HARMLESS] = {"harmless", MODULE(EPONYMOUS) | MODULE(INNOCUOUS), 7,
    "CREATE TABLE x(question, arguments, a, b, c, p HIDDEN, q HIDDEN)"},
  [STATE] = {"state", MODULE(EPONYMOUS), 3, "CREATE TABLE x(tables, scans, created)"},
  [TRIED] = {"tried", MODULE(EPONYMOUS), 2, "CREATE TABLE x(place, came)"},
};

typedef struct {
  bool used;
  uint64_t module;
  SampleOptions sample;
  int64_t batch, code;
  bool late;       /* the last rows do not say that they are */
  char where[16];  /* of FAILS */
} Table;
static Table *tables;
static uint32_t table_count;
static int64_t created;

/* One scan; `sample` has the number of rows, also for other modules than SAMPLE. */
typedef struct {
  bool used;
  uint32_t table;
  Sample sample;
  int64_t bytes;
  Sentence question, arguments;
} Scan;
static Scan *scans;
static uint32_t scan_count;

/* ---- Which calls the host refuses ------------------------------------------------------------------- */

static struct { const char *place; Sentence came[TRIES]; } tried[8];
static size_t tried_count;

static void try_at(const char *place) {
  for (size_t i = 0; i < tried_count; i++) if (strcmp(tried[i].place, place) == 0) return;
  size_t at = tried_count++;
  tried[at].place = place;
  for (int i = 0; i < TRIES; i++) tried[at].came[i] = try_call(i);
}

/* ---- Modules and tables ----------------------------------------------------------------------------- */

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  tabular_string_dup(&ret->name, "tables");
  tabular_string_dup(&ret->version, "1.0.0");
}

void VT(describe)(VT(list_module_spec_t) *ret) {
  ret->len = MODULES;
  ret->ptr = room_for(MODULES, sizeof *ret->ptr);
  for (int i = 0; i < MODULES; i++) {
    ret->ptr[i].id = i;
    tabular_string_dup(&ret->ptr[i].name, modules[i].name);
    ret->ptr[i].options = modules[i].options;
  }
}

static bool fails_at(const Table *t, const char *where, Error *err) {
  if (t->module != FAILS || strcmp(t->where, where) != 0) return false;
  Sentence s = {0};
  add(&s, where);
  add(&s, " failed as asked");
  fail_with(err, t->code & 255, &s);
  err->extended_code = t->code;
  return true;
}

bool VT(connect)(uint64_t module, VT(connection_kind_t) kind, Strings *args, VT(table_schema_t) *ret, Error *err) {
  Table t = {.used = true, .module = module, .code = number_of(args, "code", 1)};
  t.sample.rows = number_of(args, "rows", 100);
  t.batch = number_of(args, "batch", 1 << 30);
  t.late = has_word(args, "late");
  t.sample.all = has_word(args, "all");
  t.sample.omit = t.sample.all || has_word(args, "omit");
  t.sample.filter = t.sample.omit || has_word(args, "filter");
  if (module == FAILS && args->len > 2 && args->ptr[2].len < sizeof t.where) {
    memcpy(t.where, args->ptr[2].ptr, args->ptr[2].len);
  }
  WORLD(list_string_free)(args);
  if (module == TRIED) try_at("connect");
  if (fails_at(&t, "connect", err)) return false;
  created += kind == EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_CONNECTION_KIND_CREATE;
  uint32_t i = 0;
  while (i < table_count && tables[i].used) i++;
  if (i == table_count) tables = more_room(tables, ++table_count, sizeof *tables);
  tables[i] = t;
  ret->table = i;
  tabular_string_dup(&ret->declaration, modules[module].declaration);
  return true;
}

void VT(disconnect)(uint32_t table) {
  if (tables[table].module == TRIED) try_at("disconnect");
  tables[table].used = false;
}

bool VT(destroy)(uint32_t table, Error *err) {
  if (fails_at(&tables[table], "destroy", err)) {
    tables[table].where[0] = 0; /* once */
    return false;
  }
  tables[table].used = false;
  return true;
}

/* ---- Plans ------------------------------------------------------------------------------------------ */

static void add_constraint(Sentence *s, const Constraint *c) {
  add_integer(s, c->column);
  add(s, ":");
  add_integer(s, c->op);
  if (!c->usable) add(s, "!");
  if (c->is_in) add(s, "in");
  if (c->value.is_some) add(s, "="), add_value(s, &c->value.val);
}

/* "0:2=5,1:65! order 0,1- distinct 0 used 3" */
static void add_question(Sentence *s, const Query *q) {
  for (size_t i = 0; i < q->constraints.len; i++) {
    if (i) add(s, ",");
    add_constraint(s, (const Constraint *)&q->constraints.ptr[i]);
  }
  add(s, " order ");
  for (size_t i = 0; i < q->order_by.len; i++) {
    if (i) add(s, ",");
    add_integer(s, q->order_by.ptr[i].column);
    if (q->order_by.ptr[i].descending) add(s, "-");
  }
  add(s, " distinct ");
  add_integer(s, q->distinct);
  add(s, " used ");
  add_unsigned(s, q->columns_used);
}

static void give_plan_text(Plan *plan, const Sentence *s) {
  WORLD(string_dup_n)(&plan->text, s->text, s->len);
}

/* Uses every constraint that can be used; the values of p IN (...) come at once, of q IN (...) one by one. */
static void plan_asks(const Query *q, Plan *plan) {
  Sentence s = {0};
  int argument = 0;
  for (size_t i = 0; i < q->constraints.len; i++) {
    const Constraint *c = (const Constraint *)&q->constraints.ptr[i];
    if (!c->usable) continue;
    plan->usages.ptr[i].argument = ++argument;
    plan->usages.ptr[i].omit = true;
    plan->usages.ptr[i].all_at_once = c->is_in && c->column == 5;
  }
  add_question(&s, q);
  give_plan_text(plan, &s);
  plan->number = -7;
  plan->cost = 1000.0 / (1 + argument);
  plan->rows = 1;
}

bool VT(best_index)(uint32_t table, Query *query, VT(option_index_plan_t) *ret, Error *err) {
  const Table *t = &tables[table];
  memset(ret, 0, sizeof *ret);
  if (t->module == TRIED) try_at("best-index");
  ret->is_some = strcmp(t->where, "no-plan") != 0;
  bool done = !fails_at(t, "best-index", err);
  if (ret->is_some && done) {
    Plan *plan = &ret->val;
    plan->usages.len = query->constraints.len;
    plan->usages.ptr = room_for(plan->usages.len, sizeof *plan->usages.ptr);
    if (t->module == SAMPLE || t->module == GRID) plan_sample(&t->sample, query, plan);
    else plan_asks(query, plan);
  }
  VT(index_query_free)(query);
  return done;
}

/* ---- Rows ------------------------------------------------------------------------------------------- */

static void give_row(const Scan *scan, size_t at, Value *row) {
  const Table *t = &tables[scan->table];
  uint32_t scanned = 0;
  switch (t->module) {
    case SAMPLE: case GRID:
      give_sample(&scan->sample, at, row);
      return;
    case ASKS: case DIRECT: case HARMLESS:
      give_bytes(&row[0], TEXT, scan->question.text, scan->question.len);
      give_bytes(&row[1], TEXT, scan->arguments.text, scan->arguments.len);
      give_text(&row[2], "x"), give_text(&row[3], "y"), give_text(&row[4], "z");
      return;
    case FAILS:
      give_integer(&row[0], at + 1);
      return;
    case BIG: {
      uint8_t *bytes = room_for(scan->bytes, 1);
      memset(bytes, 'a' + at % 26, scan->bytes);
      give_integer(&row[0], at + 1);
      give_bytes(&row[1], TEXT, bytes, scan->bytes);
      memset(bytes, at, scan->bytes);
      give_bytes(&row[2], BLOB, bytes, scan->bytes);
      free(bytes);
      return;
    }
    case STATE:
      for (uint32_t i = 0; i < table_count; i++) scanned += tables[i].used && tables[i].module != STATE;
      give_integer(&row[0], scanned);
      scanned = 0;
      for (uint32_t i = 0; i < scan_count; i++) scanned += scans[i].used && tables[scans[i].table].module != STATE;
      give_integer(&row[1], scanned);
      give_integer(&row[2], created);
      return;
    case TRIED: {
      const Sentence *came = &tried[at / TRIES].came[at % TRIES];
      give_text(&row[0], tried[at / TRIES].place);
      give_bytes(&row[1], TEXT, came->text, came->len);
    }
  }
}

static void give_batch(Scan *scan, uint32_t most, Batch *ret) {
  const Table *t = &tables[scan->table];
  Sample *rows = &scan->sample;
  size_t left = rows->len - rows->at, columns = modules[t->module].columns;
  size_t count = left < most ? left : most;
  if ((int64_t)count > t->batch) count = t->batch;
  Value *row = begin_nulls(ret, count, columns, count == 0 || (count == left && !t->late));
  for (size_t i = 0; i < count; i++, rows->at++, row += columns) {
    ret->rowids.ptr[i] = rows->rows ? 10 * (int64_t)rows->rows[rows->at] : (int64_t)rows->at + 1;
    give_row(scan, rows->at, row);
  }
}

/* ---- Scans ------------------------------------------------------------------------------------------ */

bool VT(open)(uint32_t table, uint32_t *ret, Error *err) {
  if (tables[table].module == TRIED) try_at("open");
  if (fails_at(&tables[table], "open", err)) return false;
  uint32_t i = 0;
  while (i < scan_count && scans[i].used) i++;
  if (i == scan_count) scans = more_room(scans, ++scan_count, sizeof *scans);
  memset(&scans[i], 0, sizeof *scans);
  scans[i].used = true;
  scans[i].table = table;
  *ret = i;
  return true;
}

void VT(close)(uint32_t cursor) {
  if (tables[scans[cursor].table].module == TRIED) try_at("close");
  free(scans[cursor].sample.rows);
  scans[cursor].used = false;
}

/* "1,[2,3]" */
static void add_arguments(Sentence *s, const Arguments *args) {
  for (size_t i = 0; i < args->len; i++) {
    if (i) add(s, ",");
    if (args->ptr[i].tag == EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_ARGUMENT_VALUE) {
      add_value(s, (const Value *)&args->ptr[i].val.value);
      continue;
    }
    add(s, "[");
    for (size_t j = 0; j < args->ptr[i].val.values.len; j++) {
      if (j) add(s, ",");
      add_value(s, (const Value *)&args->ptr[i].val.values.ptr[j]);
    }
    add(s, "]");
  }
}

static bool start(Scan *scan, int32_t number, const char *text, const Arguments *args, Error *err) {
  const Table *t = &tables[scan->table];
  scan->sample.at = 0;
  scan->sample.len = 1;
  scan->sample.number = number;
  scan->question.len = scan->arguments.len = 0;
  switch (t->module) {
    case SAMPLE: case GRID:
      start_sample(&scan->sample, t->sample.rows, text, args);
      return true;
    case FAILS:
      scan->sample.len = 40;
      return !fails_at(t, "filter", err);
    case BIG:
      if (args->len < 2) return fail_text(err, 1, "big(rows, bytes)");
      scan->sample.len = args->ptr[0].val.value.val.integer;
      scan->bytes = args->ptr[1].val.value.val.integer;
      return true;
    case TRIED:
      try_at("filter");
      scan->sample.len = tried_count * TRIES;
      return true;
    default:
      add(&scan->question, text);
      add(&scan->arguments, number == -7 ? "" : "another number: ");
      add_arguments(&scan->arguments, args);
      return true;
  }
}

bool VT(filter)(
  uint32_t cursor, int32_t number, String *text, Arguments *args, uint32_t max_rows, Batch *ret, Error *err
) {
  char *plan = room_for(text->len + 1, 1);
  memcpy(plan, text->ptr, text->len);
  WORLD(string_free)(text);
  bool done = start(&scans[cursor], number, plan, args, err);
  VT(list_argument_free)(args);
  free(plan);
  if (done) give_batch(&scans[cursor], max_rows, ret);
  return done;
}

bool VT(fetch)(uint32_t cursor, uint32_t max_rows, Batch *ret, Error *err) {
  if (fails_at(&tables[scans[cursor].table], "fetch", err)) return false;
  give_batch(&scans[cursor], max_rows, ret);
  return true;
}
