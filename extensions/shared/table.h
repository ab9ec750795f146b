/* Short names, plans and batches of rows for virtual tables. */
#ifndef TABLE_H
#define TABLE_H
#include "guest.h"

#define VT(name) exports_sqlite_extension_virtual_table_##name
#define MODULE(flag) EXPORTS_SQLITE_EXTENSION_VIRTUAL_TABLE_MODULE_FLAGS_##flag

typedef WORLD(list_string_t) Strings;
typedef VT(batch_t) Batch;
typedef VT(index_query_t) Query;
typedef VT(index_constraint_t) Constraint;
typedef VT(index_plan_t) Plan;
typedef VT(option_index_plan_t) OptionalPlan;
typedef VT(list_argument_t) Arguments;

/* https://www.sqlite.org/c3ref/c_index_constraint_eq.html */
enum { EQ = 2, GT = 4, LE = 8, LT = 16, GE = 32, MATCH = 64, NE = 68, ISNOT, ISNOTNULL, ISNULL, IS, LIMIT, OFFSET };

/* Describes a module with id 0. */
static inline void describe_module(const char *name, int options, VT(list_module_spec_t) *ret) {
  ret->len = 1;
  ret->ptr = allocate_zeroed(sizeof *ret->ptr);
  WORLD(string_dup)(&ret->ptr[0].name, name);
  ret->ptr[0].options = options;
}

/*
** Returns the index of the first usable constraint "column = value"; -1 if there is none. Sets *waits if there is such
** a constraint, but its value comes from a table that SQLite has not read yet.
*/
static inline int given(const Query *query, int32_t column, bool *waits) {
  int place = -1;
  for (size_t i = 0; i < query->constraints.len; i++) {
    const Constraint *c = &query->constraints.ptr[i];
    if (c->column != column || c->op != EQ) continue;
    if (!c->usable) *waits = true;
    else if (place < 0) place = (int)i;
  }
  return place;
}

/* Begins a plan that uses no constraint. */
static inline Plan *begin_plan(const Query *query, OptionalPlan *ret) {
  memset(ret, 0, sizeof *ret);
  ret->is_some = true;
  ret->val.usages.len = query->constraints.len;
  ret->val.usages.ptr = allocate_zeroed(query->constraints.len * sizeof *ret->val.usages.ptr);
  return &ret->val;
}

/* Passes the value of a constraint to filter as argument number `argument`, from 1. SQLite does not check the
** constraint again. */
static inline void pass(Plan *plan, int constraint, uint32_t argument) {
  plan->usages.ptr[constraint].argument = argument;
  plan->usages.ptr[constraint].omit = true;
}

/* Returns no plan, so that SQLite tries another order of the tables. */
static inline void no_plan(OptionalPlan *ret) {
  free(ret->val.usages.ptr);
  memset(ret, 0, sizeof *ret);
}

/* Allocates a batch. Returns the array for the values, row by row; the caller must set all of them, and the rowids in
** ret->rowids. */
static inline Value *begin_batch(Batch *ret, size_t rows, size_t columns) {
  ret->rowids.len = rows;
  ret->rowids.ptr = allocate(rows * sizeof *ret->rowids.ptr);
  ret->values.len = rows * columns;
  ret->values.ptr = allocate(rows * columns * sizeof *ret->values.ptr);
  ret->done = false;
  return ret->values.ptr;
}

/* Reduces a batch to its first rows. */
static inline void trim_batch(Batch *ret, size_t rows, size_t columns) {
  ret->rowids.len = rows;
  ret->values.len = rows * columns;
  if (rows > 0) return;
  free(ret->rowids.ptr); /* the bindings do not free what has length 0 */
  free(ret->values.ptr);
}
#endif
