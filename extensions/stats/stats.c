/*
** Statistics of SQL:2023 and of spreadsheets that SQLite lacks, as aggregate and window functions: variance, standard
** deviation, covariance, regression, skewness, kurtosis and mode.
**
** Rows with NULL are ignored. Moments are merged with the formulas of Chan and Pébay, which avoid cancellation. A
** window removes its first row without subtracting; see stats.h.
*/
#include "stateful.h"
#include "stats.h"

typedef exports_sqlite_extension_aggregate_function_list_sql_value_t Args;

enum {
  WINDOW = AGGREGATE(WINDOW) |
    AGGREGATE(DETERMINISTIC) |
    AGGREGATE(INNOCUOUS)
};

/* The arguments of a function: one number, two numbers (y, then x), or any value. */
typedef enum { ONE, TWO, ANY } Kind;

static double var_samp(const Moments *m) { return m->n > 1 ? m->m2 / (m->n - 1) : NAN; }
static double var_pop(const Moments *m) { return m->m2 / m->n; }
static double stddev_samp(const Moments *m) { return sqrt(var_samp(m)); }
static double stddev_pop(const Moments *m) { return sqrt(var_pop(m)); }
/* Equal values have no shape. */
static double skewness_pop(const Moments *m) {
  return m->m2 > 0 ? sqrt(m->n) * m->m3 / (m->m2 * sqrt(m->m2)) : NAN;
}
static double skewness(const Moments *m) {
  double n = m->n;
  return n > 2 ? skewness_pop(m) * sqrt(n * (n - 1)) / (n - 2) : NAN;
}
static double kurtosis_pop(const Moments *m) { return m->m2 > 0 ? m->n * m->m4 / (m->m2 * m->m2) - 3 : NAN; }
static double kurtosis(const Moments *m) {
  double n = m->n;
  return n > 3 ? (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * kurtosis_pop(m) + 6) : NAN;
}

static double regr_count(const Moments *m) { return m->n; }
static double regr_avgx(const Moments *m) { return m->mean; }
static double regr_avgy(const Moments *m) { return m->mean_y; }
static double regr_sxx(const Moments *m) { return m->m2; }
static double regr_syy(const Moments *m) { return m->m2_y; }
static double regr_sxy(const Moments *m) { return m->sxy; }
static double covar_pop(const Moments *m) { return m->sxy / m->n; }
static double covar_samp(const Moments *m) { return m->n > 1 ? m->sxy / (m->n - 1) : NAN; }
static double corr(const Moments *m) {
  if (!(m->m2 > 0) || !(m->m2_y > 0)) return NAN;
  double r = m->sxy / (sqrt(m->m2) * sqrt(m->m2_y));
  return r > 1 ? 1 : r < -1 ? -1 : r;
}
static double regr_slope(const Moments *m) { return m->m2 > 0 ? m->sxy / m->m2 : NAN; }
static double regr_intercept(const Moments *m) { return m->mean_y - regr_slope(m) * m->mean; }
static double regr_r2(const Moments *m) {
  if (!(m->m2 > 0)) return NAN;
  double r = corr(m);
  return m->m2_y == 0 ? 1 : r * r;
}

static const struct {
  const char *name;
  Kind kind;
  double (*result)(const Moments *); /* NaN is NULL */
} functions[] = {
  {"var_samp", ONE, var_samp},
  {"variance", ONE, var_samp},
  {"var_pop", ONE, var_pop},
  {"stddev_samp", ONE, stddev_samp},
  {"stddev", ONE, stddev_samp},
  {"stddev_pop", ONE, stddev_pop},
  {"skewness", ONE, skewness},
  {"skewness_pop", ONE, skewness_pop},
  {"kurtosis", ONE, kurtosis},
  {"kurtosis_pop", ONE, kurtosis_pop},
  {"covar_samp", TWO, covar_samp},
  {"covar_pop", TWO, covar_pop},
  {"corr", TWO, corr},
  {"regr_slope", TWO, regr_slope},
  {"regr_intercept", TWO, regr_intercept},
  {"regr_r2", TWO, regr_r2},
  {"regr_count", TWO, regr_count},
  {"regr_avgx", TWO, regr_avgx},
  {"regr_avgy", TWO, regr_avgy},
  {"regr_sxx", TWO, regr_sxx},
  {"regr_syy", TWO, regr_syy},
  {"regr_sxy", TWO, regr_sxy},
  {"mode", ANY, NULL},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* The state of a group. The host's numbers are small and are used again. */
typedef struct {
  Queue queue;
  Counts counts;
} Group;

static Group *groups;
static size_t rooms;

static Group *group_at(uint32_t number) {
  if (number >= rooms) {
    size_t wanted = rooms ? rooms : 16;
    while (wanted <= number) wanted *= 2;
    groups = reallocate(groups, wanted * sizeof *groups);
    memset(groups + rooms, 0, (wanted - rooms) * sizeof *groups);
    rooms = wanted;
  }
  return &groups[number];
}

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  WORLD(string_dup)(&ret->name, "stats");
  WORLD(string_dup)(&ret->version, "1.0.0");
}

void exports_sqlite_extension_aggregate_function_describe(
  exports_sqlite_extension_aggregate_function_list_function_spec_t *ret
) {
  Function described[FUNCTIONS];
  for (int i = 0; i < FUNCTIONS; i++) {
    described[i] = (Function){functions[i].name, functions[i].kind == TWO ? 2 : 1, WINDOW};
  }
  describe_aggregates(described, FUNCTIONS, ret);
}

/* Reads a number, or fails with the message of percentile(). */
static bool number_of(uint64_t id, const Value *v, double *x, Error *err) {
  static const char before[] = "input to ", behind[] = "() is not numeric";
  if (v->tag == INTEGER) *x = (double)v->val.integer;
  else if (v->tag == REAL) *x = v->val.real;
  else {
    char text[64];
    strcpy(text, before);
    strcat(text, functions[id].name);
    strcat(text, behind);
    return fail(err, SQLITE_ERROR, text);
  }
  return true;
}

/* Reads a row. Sets *counts to whether the row is not ignored. */
static bool row_of(uint64_t id, const Args *args, Point *row, bool *counts, Error *err) {
  bool two = functions[id].kind == TWO;
  row->y = 0;
  *counts = !is_null(&args->ptr[0]) && !(two && is_null(&args->ptr[1]));
  if (!*counts) return true;
  if (two && !number_of(id, &args->ptr[0], &row->y, err)) return false;
  return number_of(id, &args->ptr[two], &row->x, err);
}

static bool take(uint64_t id, uint32_t number, Args *args, bool inverse, Error *err) {
  Group *group = group_at(number);
  Point row;
  bool counts;
  if (functions[id].kind == ANY) {
    if (!is_null(&args->ptr[0])) count(&group->counts, &args->ptr[0], inverse ? -1 : 1);
    return true;
  }
  if (!row_of(id, args, &row, &counts, err)) return false;
  if (counts && inverse) queue_pop(&group->queue, row);
  else if (counts) queue_push(&group->queue, row);
  return true;
}

static void give(uint64_t id, Group *group, Value *ret) {
  give_null(ret);
  if (functions[id].kind == ANY) {
    most(&group->counts, ret);
    return;
  }
  Moments all = queue_all(&group->queue);
  double result = all.n > 0 || functions[id].result == regr_count ? functions[id].result(&all) : NAN;
  if (result != result) return;
  if (functions[id].result == regr_count) {
    give_integer(ret, (int64_t)result);
  } else {
    give_real(ret, result);
  }
}

bool exports_sqlite_extension_aggregate_function_step(uint64_t id, uint32_t group, Args *args, Error *err) {
  bool done = take(id, group, args, false, err);
  exports_sqlite_extension_aggregate_function_list_sql_value_free(args);
  return done;
}

bool exports_sqlite_extension_aggregate_function_inverse(uint64_t id, uint32_t group, Args *args, Error *err) {
  bool done = take(id, group, args, true, err);
  exports_sqlite_extension_aggregate_function_list_sql_value_free(args);
  return done;
}

bool exports_sqlite_extension_aggregate_function_value(uint64_t id, uint32_t group, Value *ret, Error *err) {
  (void)err;
  give(id, group_at(group), ret);
  return true;
}

bool exports_sqlite_extension_aggregate_function_finalize(uint64_t id, uint32_t number, Value *ret, Error *err) {
  (void)err;
  Group *group = group_at(number);
  give(id, group, ret);
  queue_free(&group->queue);
  counts_free(&group->counts);
  memset(group, 0, sizeof *group);
  return true;
}
