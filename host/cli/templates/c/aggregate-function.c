/* middle(x): the median of the numbers in a group or window. NULL is ignored. */
#include "guest.h"

/* The numbers of a group in the order of the calls, because a window removes the oldest number first. */
typedef struct {
  double *numbers;
  size_t begin, end, room;
} Group;

/* The groups by the number that the host passes. The host reuses a number after `finalize`. */
static Group *groups;
static uint32_t group_count;

static Group *group_of(uint32_t number) {
  if (number >= group_count) {
    groups = reallocate(groups, (number + 1) * sizeof *groups);
    memset(groups + group_count, 0, (number + 1 - group_count) * sizeof *groups);
    group_count = number + 1;
  }
  return &groups[number];
}

void exports_sqlite_extension_aggregate_function_describe(
  exports_sqlite_extension_aggregate_function_list_function_spec_t *ret
) {
  static const Function middle = {"middle", 1, AGGREGATE(DETERMINISTIC) | AGGREGATE(INNOCUOUS) | AGGREGATE(WINDOW)};
  describe_aggregates(&middle, 1, ret);
}

bool exports_sqlite_extension_aggregate_function_step(
  uint64_t id, uint32_t number, exports_sqlite_extension_aggregate_function_list_sql_value_t *args, Error *err
) {
  (void)id;
  Group *group = group_of(number);
  const Value *x = &args->ptr[0];
  bool done = true;
  if (x->tag == INTEGER || x->tag == REAL) {
    if (group->end == group->room) {
      group->room = 2 * group->room + 16;
      group->numbers = reallocate(group->numbers, group->room * sizeof *group->numbers);
    }
    group->numbers[group->end++] = x->tag == REAL ? x->val.real : (double)x->val.integer;
  } else if (x->tag != NONE) {
    done = fail(err, SQLITE_MISMATCH, "middle: the argument must be a number");
  }
  exports_sqlite_extension_aggregate_function_list_sql_value_free(args);
  return done;
}

bool exports_sqlite_extension_aggregate_function_inverse(
  uint64_t id, uint32_t number, exports_sqlite_extension_aggregate_function_list_sql_value_t *args, Error *err
) {
  (void)id, (void)err;
  if (args->ptr[0].tag != NONE) group_of(number)->begin++;
  exports_sqlite_extension_aggregate_function_list_sql_value_free(args);
  return true;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

bool exports_sqlite_extension_aggregate_function_value(uint64_t id, uint32_t number, Value *ret, Error *err) {
  (void)id, (void)err;
  const Group *group = group_of(number);
  size_t count = group->end - group->begin;
  if (count == 0) return give_null(ret);
  double *sorted = allocate(count * sizeof *sorted);
  memcpy(sorted, group->numbers + group->begin, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, compare);
  give_real(ret, count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2);
  free(sorted);
  return true;
}

bool exports_sqlite_extension_aggregate_function_finalize(uint64_t id, uint32_t number, Value *ret, Error *err) {
  bool done = exports_sqlite_extension_aggregate_function_value(id, number, ret, err);
  Group *group = group_of(number);
  free(group->numbers);
  *group = (Group){0};
  return done;
}
