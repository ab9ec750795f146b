/*
** sample: generated rows, and plans that use as much as the options say. Include it after rows.h.
** test/kit/sample-queries.ts computes the same rows.
*/

/* The parts of a query that a table uses. */
typedef struct {
  int64_t rows;
  bool filter;     /* constraints */
  bool omit;       /* constraints that SQLite need not check, and orders */
  bool all;        /* also LIMIT, OFFSET, DISTINCT, and the values of IN all at once */
} SampleOptions;

/* One scan: `len` rows by their numbers, of which `at` were returned; `n` is the parameter, `number` that of the plan. */
typedef struct {
  uint32_t *rows;
  size_t len, at;
  int32_t number;
  int64_t n;
} Sample;

/* ---- Plans ------------------------------------------------------------------------------------------ */

enum { N = 5, DEDUPE = 0x100, SAMPLE_COLUMNS = 6 };

static inline bool usable_op(int op) {
  return op == EQ || op == GT || op == GE || op == LT || op == LE || (op >= NE && op <= IS);
}

/* The plan's text: "wC:O" for a constraint, "l" and "o" for LIMIT and OFFSET, then "sC" or "dC" for an order. */
static inline void plan_sample(const SampleOptions *t, const Query *q, Plan *plan) {
  Sentence s = {0};
  int argument = 0, tests = 0;
  bool exact = true;
  plan->cost = t->rows * 10;
  for (size_t i = 0; i < q->constraints.len; i++) {
    const Constraint *c = (const Constraint *)&q->constraints.ptr[i];
    bool limit = c->op == LIMIT || c->op == OFFSET, given = c->column == N && c->op == EQ;
    if (limit) continue;
    if (!c->usable || !(given || (t->filter && usable_op(c->op)))) {
      exact = false;
      continue;
    }
    plan->usages.ptr[i].argument = ++argument;
    plan->usages.ptr[i].omit = given || t->omit;
    plan->usages.ptr[i].all_at_once = t->all && c->is_in;
    add(&s, "w"), add_integer(&s, c->column), add(&s, ":"), add_integer(&s, c->op);
    plan->cost /= c->op == EQ ? 20 : 3;
    if (c->column <= 0 && c->op == EQ) plan->unique = true;
    tests++;
  }
  plan->ordered = t->omit && q->order_by.len > 0;
  exact = exact && t->all && (plan->ordered || q->order_by.len == 0);
  for (size_t i = 0; i < q->constraints.len && exact; i++) {
    const Constraint *c = (const Constraint *)&q->constraints.ptr[i];
    if ((c->op != LIMIT && c->op != OFFSET) || !c->usable) continue;
    plan->usages.ptr[i].argument = ++argument;
    plan->usages.ptr[i].omit = true;
    add(&s, c->op == LIMIT ? "l" : "o");
  }
  for (size_t i = 0; i < q->order_by.len && plan->ordered; i++) {
    add(&s, q->order_by.ptr[i].descending ? "d" : "s");
    add_integer(&s, q->order_by.ptr[i].column);
  }
  plan->number = q->columns_used & 0x3f;
  if (exact && plan->ordered && q->distinct >= 2) plan->number |= DEDUPE;
  plan->rows = t->rows >> tests;
  WORLD(string_dup_n)(&plan->text, s.text, s.len);
}

/* ---- Rows ------------------------------------------------------------------------------------------- */

/* Column `column` of row `i`, from 1. */
static inline void sample_value(uint32_t i, int column, Value *ret) {
  char text[3] = {'a' + i * 53 % 67 % 26, (i & 1 ? 'a' : 'A') + i * 53 % 67 / 26, 0};
  uint8_t blob[2] = {i, i * 3};
  switch (column) {
    case -1: give_integer(ret, 10 * (int64_t)i); return;
    case 0: give_integer(ret, i); return;
    case 1: if (i % 13) give_integer(ret, (int64_t)i * 7919 % 101 - 50); return;
    case 2: if (i % 17) give_real(ret, i * 31 % 997 / 8.0); return;
    case 3: if (i % 11) give_text(ret, text); return;
    case 4: if (i % 7) give_bytes(ret, BLOB, blob, i % 5 ? 2 : 0); return;
  }
}

/* ---- Scans ------------------------------------------------------------------------------------------ */

static int order_by[8], order_count; /* columns, ~column if descending; for by_order */

static inline int by_columns(uint32_t a, uint32_t b) {
  for (int i = 0; i < order_count; i++) {
    int column = order_by[i];
    Value x = {0}, y = {0};
    sample_value(a, column < -1 ? ~column - 2 : column, &x);
    sample_value(b, column < -1 ? ~column - 2 : column, &y);
    int order = compare(&x, &y);
    drop_value(&x);
    drop_value(&y);
    if (order) return column < -1 ? -order : order;
  }
  return 0;
}
static inline int by_order(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  int order = by_columns(x, y);
  return order ? order : (x > y) - (x < y);
}

static inline const char *number_at(const char *at, int *n) {
  bool minus = *at == '-';
  if (minus) at++;
  for (*n = 0; *at >= '0' && *at <= '9'; at++) *n = *n * 10 + (*at - '0');
  if (minus) *n = -*n;
  return at;
}

static inline bool matches(const Value *v, int op, const VT(argument_t) *arg) {
  if (arg->tag == EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_ARGUMENT_VALUE) {
    return holds(v, op, (const Value *)&arg->val.value);
  }
  for (size_t i = 0; i < arg->val.values.len; i++) {
    if (holds(v, EQ, (const Value *)&arg->val.values.ptr[i])) return true;
  }
  return false;
}

/* Keeps the rows that pass one test of the plan's text. */
static inline void narrow(Sample *scan, int column, int op, const VT(argument_t) *arg) {
  size_t kept = 0;
  for (size_t i = 0; i < scan->len; i++) {
    Value v = {0};
    sample_value(scan->rows[i], column, &v);
    if (matches(&v, op, arg)) scan->rows[kept++] = scan->rows[i];
    drop_value(&v);
  }
  scan->len = kept;
}

static inline void start_sample(Sample *scan, int64_t rows, const char *text, const Arguments *args) {
  const char *at = text;
  size_t next = 0;
  int64_t limit = -1, offset = 0;
  int column, op;
  scan->n = rows;
  /* the number of rows comes first */
  for (size_t i = 0; *at == 'w'; i++) {
    at = number_at(at + 1, &column);
    at = number_at(at + 1, &op);
    if (column == N && args->ptr[i].val.value.tag == INTEGER) scan->n = args->ptr[i].val.value.val.integer;
  }
  scan->rows = more_room(scan->rows, scan->n, sizeof *scan->rows);
  for (scan->len = 0; (int64_t)scan->len < scan->n; scan->len++) scan->rows[scan->len] = scan->len + 1;
  for (at = text; *at == 'w'; next++) {
    at = number_at(at + 1, &column);
    at = number_at(at + 1, &op);
    if (column != N) narrow(scan, column, op, &args->ptr[next]);
  }
  for (; *at == 'l' || *at == 'o'; at++) {
    *(*at == 'l' ? &limit : &offset) = args->ptr[next++].val.value.val.integer;
  }
  for (order_count = 0; *at; order_count++) {
    bool descending = *at == 'd';
    at = number_at(at + 1, &column);
    order_by[order_count] = descending ? ~(column + 2) : column;
  }
  if (order_count) qsort(scan->rows, scan->len, sizeof *scan->rows, by_order);
  if (scan->number & DEDUPE) {
    size_t kept = 0;
    for (size_t i = 0; i < scan->len; i++) {
      if (kept && by_columns(scan->rows[kept - 1], scan->rows[i]) == 0) continue;
      scan->rows[kept++] = scan->rows[i];
    }
    scan->len = kept;
  }
  if (offset > 0) scan->at = (size_t)offset < scan->len ? (size_t)offset : scan->len;
  if (limit >= 0 && (size_t)limit < scan->len - scan->at) scan->len = scan->at + limit;
}

/* Returns the used columns of a row. */
static inline void give_sample(const Sample *scan, size_t at, Value *row) {
  for (int column = 0; column < N; column++) {
    if (scan->number & 1 << column) sample_value(scan->rows[at], column, &row[column]);
  }
  give_integer(&row[N], scan->n);
}
