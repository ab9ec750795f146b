/*
** The guests of the large worlds: functions, aggregates and tables that run the SQL that they receive, so that tests can
** make them call themselves. A guest defines which interfaces its world has, and includes this file after calls.h and
** rows.h.
**
**   ask(sql)             the first value of its result
**   total_of(sql)        the sum of the results of the statements, each run in step
**   at_end(sql)          the result of the last statement, run in finalize
**   answers(sql)         a table of the first column of its result
**   INSERT INTO runs     runs the inserted SQL, with HAS_WRITABLE; 'at PLACE: SQL' runs it when PLACE is called
**   tried(place, n)      the result of session, spi and changeset (n from 0) in one of the functions of the component
*/

static struct { const char *place; Sentence came[TRIES]; } tried[40];
static size_t tried_count;
static bool trying;

/* Calls the host once from each place, after tried('on', 0). */
static void try_at(const char *place) {
  for (size_t i = 0; i < tried_count; i++) if (strcmp(tried[i].place, place) == 0) return;
  if (!trying || tried_count == 40) return;
  size_t at = tried_count++;
  tried[at].place = place;
  for (int i = 0; i < TRIES; i++) tried[at].came[i] = try_call(i);
}

static void give_tried(const Value *place, int64_t n, Value *ret) {
  String name = {place->val.text.ptr, place->val.text.len};
  if (is(&name, "on")) trying = true;
  for (size_t i = 0; i < tried_count; i++) {
    const Sentence *came = &tried[i].came[n];
    if (is(&name, tried[i].place)) give_bytes(ret, TEXT, came->text, came->len);
  }
}

static bool query(const Value *sql, sqlite_extension_spi_query_result_t *ret, Error *err) {
  String text = {sql->val.text.ptr, sql->val.text.len};
  sqlite_extension_spi_list_sql_value_t none = {NULL, 0};
  return sqlite_extension_spi_execute(&text, &none, ret, err);
}

/* Returns the first value of a statement's result. */
static bool ask(const Value *sql, Value *ret, Error *err) {
  sqlite_extension_spi_query_result_t result;
  if (!query(sql, &result, err)) return false;
  ret->tag = NONE;
  if (result.rows.len > 0) *ret = copy_of((const Value *)&result.rows.ptr[0].ptr[0]);
  sqlite_extension_spi_query_result_free(&result);
  return true;
}

/* SQL for later: "at PLACE: SQL". */
static Value later = {.tag = NONE};

static bool is_later(const Value *sql, const char *place) {
  size_t len = strlen(place);
  return sql->tag == TEXT && sql->val.text.len > len + 5 && memcmp(sql->val.text.ptr, "at ", 3) == 0 &&
         memcmp(sql->val.text.ptr + 3, place, len) == 0 && (len == 0 || sql->val.text.ptr[3 + len] == ':');
}

/* Runs the SQL of a place, if there is any. */
static bool run_at(const char *place, Error *err) {
  try_at(place);
  if (!is_later(&later, place)) return true;
  size_t head = strlen(place) + 5;
  Value all = later, sql = all, got;
  sql.val.text.ptr += head, sql.val.text.len -= head;
  later.tag = NONE;
  bool done = ask(&sql, &got, err);
  if (done) drop_value(&got);
  drop_value(&all);
  return done;
}

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  WORLD(string_dup)(&ret->name, COMPONENT);
  WORLD(string_dup)(&ret->version, "1.0.0");
}

/* ---- Functions -------------------------------------------------------------------------------------- */

enum { ASK, TRIED, FUNCTIONS };
static const Function functions[FUNCTIONS] = {[ASK] = {"ask", 1, 0}, [TRIED] = {"tried", 2, 0}};

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  describe_functions(functions, FUNCTIONS, ret);
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  const Value *first = (const Value *)args->ptr;
  bool done = true;
  ret->tag = NONE;
  try_at("call");
  if (id == ASK) done = ask(first, ret, err);
  else give_tried(first, first[1].val.integer, ret);
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return done;
}

/* ---- Aggregates ------------------------------------------------------------------------------------- */

#ifdef HAS_AGGREGATES
#define AF(name) exports_sqlite_extension_aggregate_function_##name
enum { TOTAL_OF, AT_END, AGGREGATES };
static struct { int64_t sum; Value last; } groups[100];

void AF(describe)(AF(list_function_spec_t) *ret) {
  static const char *const names[] = {"total_of", "at_end"};
  ret->len = AGGREGATES;
  ret->ptr = room_for(AGGREGATES, sizeof *ret->ptr);
  for (int i = 0; i < AGGREGATES; i++) {
    ret->ptr[i].id = i;
    WORLD(string_dup)(&ret->ptr[i].name, names[i]);
    ret->ptr[i].num_args = 1;
    ret->ptr[i].options = EXPORTS_SQLITE_EXTENSION_AGGREGATE_FUNCTION_FUNCTION_FLAGS_WINDOW;
  }
}

static bool take(uint64_t id, uint32_t group, AF(list_sql_value_t) *args, int sign, Error *err) {
  Value got = {.tag = NONE};
  bool done = true;
  if (id == TOTAL_OF) {
    done = ask((const Value *)args->ptr, &got, err);
    if (done && got.tag == INTEGER) groups[group].sum += sign * got.val.integer;
    if (done) drop_value(&got);
  } else {
    drop_value(&groups[group].last);
    groups[group].last = copy_of((const Value *)args->ptr);
  }
  AF(list_sql_value_free)(args);
  return done;
}

bool AF(step)(uint64_t id, uint32_t group, AF(list_sql_value_t) *args, Error *err) {
  try_at("step");
  return take(id, group, args, 1, err);
}
bool AF(inverse)(uint64_t id, uint32_t group, AF(list_sql_value_t) *args, Error *err) {
  try_at("inverse");
  return take(id, group, args, -1, err);
}
static bool give(uint64_t id, uint32_t group, Value *ret, Error *err) {
  if (id == TOTAL_OF) return give_integer(ret, groups[group].sum);
  ret->tag = NONE;
  return groups[group].last.tag != TEXT || ask(&groups[group].last, ret, err);
}
bool AF(value)(uint64_t id, uint32_t group, Value *ret, Error *err) {
  try_at("value");
  return give(id, group, ret, err);
}
bool AF(finalize)(uint64_t id, uint32_t group, Value *ret, Error *err) {
  try_at("finalize");
  bool done = give(id, group, ret, err);
  drop_value(&groups[group].last);
  groups[group].sum = 0;
  return done;
}
#endif

/* ---- Tables ----------------------------------------------------------------------------------------- */

enum { ANSWERS, RUNS, MODULES };

void VT(describe)(VT(list_module_spec_t) *ret) {
  ret->ptr = room_for(MODULES, sizeof *ret->ptr);
  ret->ptr[0].id = ANSWERS;
  WORLD(string_dup)(&ret->ptr[0].name, "answers");
  ret->ptr[0].options = MODULE(EPONYMOUS);
  ret->len = 1;
#ifdef HAS_WRITABLE
  ret->ptr[1].id = RUNS;
  WORLD(string_dup)(&ret->ptr[1].name, "runs");
  ret->ptr[1].options =
    MODULE(EPONYMOUS) | MODULE(CREATABLE) | MODULE(WRITABLE) | MODULE(TRANSACTIONAL) | MODULE(SAVEPOINTS);
  ret->len = 2;
#endif
}

bool VT(connect)(uint64_t module, VT(connection_kind_t) kind, Strings *args, VT(table_schema_t) *ret, Error *err) {
  (void)kind; (void)err;
  WORLD(list_string_free)(args);
  try_at("connect");
  ret->table = module;
  WORLD(string_dup)(&ret->declaration, "CREATE TABLE x(value, sql HIDDEN)");
  return true;
}
void VT(disconnect)(uint32_t table) {
  (void)table;
  try_at("disconnect");
}
bool VT(destroy)(uint32_t table, Error *err) {
  (void)table;
  return run_at("destroy", err);
}

bool VT(best_index)(uint32_t table, Query *query, VT(option_index_plan_t) *ret, Error *err) {
  (void)table; (void)err;
  try_at("best-index");
  memset(ret, 0, sizeof *ret);
  ret->is_some = true;
  Plan *plan = &ret->val;
  plan->cost = 1e6;
  plan->usages.len = query->constraints.len;
  plan->usages.ptr = room_for(plan->usages.len, sizeof *plan->usages.ptr);
  for (size_t i = 0; i < plan->usages.len; i++) {
    const Constraint *c = (const Constraint *)&query->constraints.ptr[i];
    if (c->column != 1 || c->op != EQ) continue;
    if (!c->usable) ret->is_some = false;
    plan->usages.ptr[i].argument = 1;
    plan->usages.ptr[i].omit = true;
    plan->number = plan->cost = plan->rows = 1;
  }
  VT(index_query_free)(query);
  if (!ret->is_some) VT(index_plan_free)(plan);
  return true;
}

static struct { bool used; sqlite_extension_spi_query_result_t result; size_t at; } scans[64];

static void forget(uint32_t cursor) {
  if (scans[cursor].result.rows.len) sqlite_extension_spi_query_result_free(&scans[cursor].result);
  memset(&scans[cursor].result, 0, sizeof scans[cursor].result);
  scans[cursor].at = 0;
}

bool VT(open)(uint32_t table, uint32_t *ret, Error *err) {
  (void)table;
  if (!run_at("open", err)) return false;
  for (*ret = 0; scans[*ret].used; ++*ret);
  scans[*ret].used = true;
  return true;
}
void VT(close)(uint32_t cursor) {
  try_at("close");
  forget(cursor);
  scans[cursor].used = false;
}

static bool give_batch(uint32_t cursor, uint32_t most, Batch *ret) {
  size_t left = scans[cursor].result.rows.len - scans[cursor].at, count = left < most ? left : most;
  Value *row = begin_nulls(ret, count, 2, count == left);
  for (size_t i = 0; i < count; i++, row += 2) {
    ret->rowids.ptr[i] = scans[cursor].at + 1;
    row[0] = copy_of((const Value *)&scans[cursor].result.rows.ptr[scans[cursor].at++].ptr[0]);
  }
  return true;
}

bool VT(filter)(
  uint32_t cursor, int32_t number, String *text, Arguments *args, uint32_t max_rows, Batch *ret, Error *err
) {
  (void)number;
  try_at("filter");
  forget(cursor);
  bool done = args->len == 0 || query((const Value *)&args->ptr[0].val.value, &scans[cursor].result, err);
  if (!done) memset(&scans[cursor].result, 0, sizeof scans[cursor].result);
  WORLD(string_free)(text);
  VT(list_argument_free)(args);
  return done && give_batch(cursor, max_rows, ret);
}
bool VT(fetch)(uint32_t cursor, uint32_t max_rows, Batch *ret, Error *err) {
  (void)err;
  try_at("fetch");
  return give_batch(cursor, max_rows, ret);
}

#ifdef HAS_WRITABLE
#define WT(name) exports_sqlite_extension_writable_table_##name

bool WT(insert)(
  uint32_t table, int64_t *rowid, WT(list_sql_value_t) *values, WT(conflict_mode_t) mode, int64_t *ret, Error *err
) {
  (void)table; (void)rowid; (void)mode;
  try_at("insert");
  Value got, *sql = (Value *)values->ptr;
  bool done = true;
  *ret = 1;
  if (is_later(sql, "")) {
    drop_value(&later);
    later = copy_of(sql);
  } else {
    done = ask(sql, &got, err);
    if (done) drop_value(&got);
  }
  WT(list_sql_value_free)(values);
  return done;
}
bool WT(update)(
  uint32_t table, int64_t rowid, int64_t fresh, WT(list_option_sql_value_t) *values, WT(conflict_mode_t) mode,
  Error *err
) {
  (void)table; (void)rowid; (void)fresh; (void)mode;
  WT(list_option_sql_value_free)(values);
  return fail_text(err, 8, "runs has no rows");
}
bool WT(delete)(uint32_t table, int64_t rowid, Error *err) {
  (void)table; (void)rowid;
  return fail_text(err, 8, "runs has no rows");
}

#define TRANSACTION(name, place) \
  bool WT(name)(uint32_t table, Error *err) { \
    (void)table; \
    return run_at(place, err); \
  }
TRANSACTION(begin, "begin")
TRANSACTION(sync, "sync")
#define ENDING(name, place) \
  void WT(name)(uint32_t table) { \
    (void)table; \
    Error err; \
    if (!run_at(place, &err)) WT(sqlite_error_free)(&err); \
  }
ENDING(commit, "commit")
ENDING(rollback, "rollback")
#define SAVEPOINT(name, place) \
  bool WT(name)(uint32_t table, int32_t n, Error *err) { \
    (void)table; (void)n; \
    return run_at(place, err); \
  }
SAVEPOINT(savepoint, "savepoint")
SAVEPOINT(release, "release")
SAVEPOINT(rollback_to, "rollback-to")
bool WT(rename)(uint32_t table, String *name, Error *err) {
  (void)table;
  WORLD(string_free)(name);
  return run_at("rename", err);
}
bool WT(integrity)(uint32_t table, bool quick, WORLD(option_string_t) *ret, Error *err) {
  (void)table; (void)quick;
  ret->is_some = false;
  return run_at("integrity", err);
}
#endif
