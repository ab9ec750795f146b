/* The aggregate changeset_group(blob), which joins the changesets of the rows, in order. */
#include "sentence.h"

typedef sqlite_extension_changeset_held_t Held;

/* The changesets of each group. The index is the group's number minus 1. */
static sqlite_extension_changeset_list_held_t *groups;
static uint32_t room;

static sqlite_extension_changeset_list_held_t *group_of(uint32_t group) {
  if (group > room) {
    uint32_t more = group * 2;
    groups = reallocate(groups, more * sizeof *groups);
    memset(groups + room, 0, (more - room) * sizeof *groups);
    room = more;
  }
  return &groups[group - 1];
}

static void drop(Held held) {
  Error ignored;
  if (!sqlite_extension_changeset_drop(held, &ignored)) {
    sqlite_extension_types_sqlite_error_free(&ignored);
  }
}

void exports_sqlite_extension_aggregate_function_describe(
  exports_sqlite_extension_aggregate_function_list_function_spec_t *ret
) {
  static const Function function = {"changeset_group", 1, AGGREGATE(DETERMINISTIC) | AGGREGATE(INNOCUOUS)};
  describe_aggregates(&function, 1, ret);
}

bool exports_sqlite_extension_aggregate_function_step(
  uint64_t id, uint32_t group, exports_sqlite_extension_aggregate_function_list_sql_value_t *args, Error *err
) {
  (void)id;
  Value *v = args->ptr;
  bool done = true;
  if (is_blob(v)) {
    sqlite_extension_changeset_list_held_t *list = group_of(group);
    list->ptr = reallocate(list->ptr, (list->len + 1) * sizeof(Held));
    WORLD(list_u8_t) bytes = {v->val.blob.ptr, v->val.blob.len};
    Held held;
    done = sqlite_extension_changeset_create(&held, err);
    if (done) {
      list->ptr[list->len++] = held;
      done = sqlite_extension_changeset_append(held, &bytes, err);
    }
    /* Join 64 changesets into one, because the host holds a limited number. */
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
  return fail(err, SQLITE_MISUSE, "changeset_group is not a window function");
}

bool exports_sqlite_extension_aggregate_function_value(uint64_t id, uint32_t group, Value *ret, Error *err) {
  (void)id; (void)group; (void)ret;
  return fail(err, SQLITE_MISUSE, "changeset_group is not a window function");
}

bool exports_sqlite_extension_aggregate_function_finalize(uint64_t id, uint32_t group, Value *ret, Error *err) {
  (void)id;
  sqlite_extension_changeset_list_held_t *list = group_of(group);
  Held joined;
  uint64_t size;
  WORLD(list_u8_t) bytes;
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
  ret->tag = BLOB;
  ret->val.blob.ptr = bytes.ptr;
  ret->val.blob.len = bytes.len;
  return true;
}
