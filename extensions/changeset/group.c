/* The aggregate changeset_group(blob): one changeset that does what those of the rows do, in their order. */
#include "analytic.h"
#define WORLD(name) analytic_##name
#include "guest.h"

typedef sqlite_extension_changeset_held_t Held;

/* What each group has collected, by its number less 1. */
static sqlite_extension_changeset_list_held_t *groups;
static uint32_t room;

static sqlite_extension_changeset_list_held_t *group_of(uint32_t group) {
  if (group > room) {
    uint32_t more = group * 2;
    groups = realloc(groups, more * sizeof *groups);
    if (!groups) abort();
    memset(groups + room, 0, (more - room) * sizeof *groups);
    room = more;
  }
  return &groups[group - 1];
}

static void drop(Held held) {
  Error ignored;
  if (!sqlite_extension_changeset_drop(held, &ignored)) {
    exports_sqlite_extension_aggregate_function_sqlite_error_free(&ignored);
  }
}

void exports_sqlite_extension_aggregate_function_describe(
  exports_sqlite_extension_aggregate_function_list_function_spec_t *ret
) {
  ret->len = 1;
  ret->ptr = calloc(1, sizeof *ret->ptr);
  if (!ret->ptr) abort();
  analytic_string_dup(&ret->ptr->name, "changeset_group");
  ret->ptr->num_args = 1;
  ret->ptr->options = EXPORTS_SQLITE_EXTENSION_AGGREGATE_FUNCTION_FUNCTION_FLAGS_DETERMINISTIC |
                      EXPORTS_SQLITE_EXTENSION_AGGREGATE_FUNCTION_FUNCTION_FLAGS_INNOCUOUS;
}

bool exports_sqlite_extension_aggregate_function_step(
  uint64_t id, uint32_t group, exports_sqlite_extension_aggregate_function_list_sql_value_t *args, Error *err
) {
  (void)id;
  Value *v = args->ptr;
  bool done = true;
  if (is_blob(v)) {
    sqlite_extension_changeset_list_held_t *list = group_of(group);
    list->ptr = realloc(list->ptr, (list->len + 1) * sizeof(Held));
    if (!list->ptr) abort();
    analytic_list_u8_t bytes = {v->val.blob.ptr, v->val.blob.len};
    Held held;
    done = sqlite_extension_changeset_create(&held, err);
    if (done) {
      list->ptr[list->len++] = held;
      done = sqlite_extension_changeset_append(held, &bytes, err);
    }
    /* At 64 they become one: the host holds few, and the order stays. */
    if (done && list->len == 64) {
      Held joined;
      done = sqlite_extension_changeset_concat(list, NULL, &joined, err);
      if (done) {
        for (size_t i = 0; i < list->len; i++) drop(list->ptr[i]);
        list->ptr[0] = joined;
        list->len = 1;
      }
    }
  } else if (!is_null(v)) {
    done = fail_kind(err, "changeset_group", "a changeset is a blob, as session_changeset(h) gives", v);
  }
  exports_sqlite_extension_aggregate_function_list_sql_value_free(args);
  return done;
}

bool exports_sqlite_extension_aggregate_function_inverse(
  uint64_t id, uint32_t group, exports_sqlite_extension_aggregate_function_list_sql_value_t *args, Error *err
) {
  (void)id; (void)group;
  exports_sqlite_extension_aggregate_function_list_sql_value_free(args);
  Sentence s = {0};
  add(&s, "changeset_group is not a window function");
  return fail(err, MISUSE, &s);
}

bool exports_sqlite_extension_aggregate_function_value(uint64_t id, uint32_t group, Value *ret, Error *err) {
  (void)id; (void)group; (void)ret;
  Sentence s = {0};
  add(&s, "changeset_group is not a window function");
  return fail(err, MISUSE, &s);
}

bool exports_sqlite_extension_aggregate_function_finalize(uint64_t id, uint32_t group, Value *ret, Error *err) {
  (void)id;
  sqlite_extension_changeset_list_held_t *list = group_of(group);
  Held joined;
  uint64_t size;
  analytic_list_u8_t bytes;
  bool done = sqlite_extension_changeset_concat(list, NULL, &joined, err);
  if (done) {
    done = sqlite_extension_changeset_size(joined, &size, err) &&
           sqlite_extension_changeset_read(joined, 0, size, &bytes, err);
    drop(joined);
  }
  for (size_t i = 0; i < list->len; i++) drop(list->ptr[i]);
  free(list->ptr);
  list->ptr = NULL;
  list->len = 0;
  if (!done) return false;
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB;
  ret->val.blob.ptr = bytes.ptr;
  ret->val.blob.len = bytes.len;
  return true;
}
