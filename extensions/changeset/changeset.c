/* The SQL functions changeset_*, which call the host's interface sqlite:extension/changeset. */
#include "sentence.h"

typedef sqlite_extension_changeset_held_t Held;

enum {
  APPLY, APPLY_OPTIONS, INVERT, CONCAT, REBASE, VALID, FAULT, JSON, FROM_JSON, SQL, STAT, FUNCTIONS
};

enum {
  PURE = SCALAR(DETERMINISTIC) |
         SCALAR(INNOCUOUS),
  DIRECT = SCALAR(DIRECT_ONLY),
};

static const Function functions[FUNCTIONS] = {
  [APPLY] = {"changeset_apply", 1, DIRECT},
  [APPLY_OPTIONS] = {"changeset_apply", 2, DIRECT},
  [INVERT] = {"changeset_invert", 1, PURE},
  [CONCAT] = {"changeset_concat", -1, PURE},
  [REBASE] = {"changeset_rebase", -1, PURE},
  [VALID] = {"changeset_valid", 1, PURE},
  [FAULT] = {"changeset_fault", 1, PURE},
  [JSON] = {"changeset_json", 1, 0}, /* these two name columns as the schema does now */
  [SQL] = {"changeset_sql", 1, 0},
  [FROM_JSON] = {"changeset_from_json", 1, PURE},
  [STAT] = {"changeset_stat", 1, PURE},
};

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  WORLD(string_dup)(&ret->name, "changeset");
  WORLD(string_dup)(&ret->version, "1.1.0");
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  describe_functions(functions, FUNCTIONS, ret);
}

static void drop(Held held) {
  Error ignored;
  if (!sqlite_extension_changeset_drop(held, &ignored)) {
    sqlite_extension_types_sqlite_error_free(&ignored);
  }
}

/* Passes a blob to the host, which holds it. */
static bool hold(const char *name, Value *v, Held *held, Error *err) {
  if (!is_blob(v)) return fail_kind(err, name, "a changeset is a blob, as session_changeset(h) gives", v);
  if (!sqlite_extension_changeset_create(held, err)) return false;
  WORLD(list_u8_t) bytes = {v->val.blob.ptr, v->val.blob.len};
  if (sqlite_extension_changeset_append(*held, &bytes, err)) return true;
  drop(*held);
  return false;
}

/* Makes a changeset that the host holds the result, and frees it. */
static bool give_held(Held held, Value *ret, Error *err) {
  uint64_t size;
  WORLD(list_u8_t) bytes;
  bool done = sqlite_extension_changeset_size(held, &size, err) &&
              sqlite_extension_changeset_read(held, 0, size, &bytes, err);
  drop(held);
  if (!done) return false;
  ret->tag = BLOB;
  ret->val.blob.ptr = bytes.ptr;
  ret->val.blob.len = bytes.len;
  return true;
}

static bool concat(Value *args, size_t count, Value *ret, Error *err) {
  sqlite_extension_changeset_list_held_t list = {allocate(count * sizeof(Held)), 0};
  bool done = true;
  for (size_t i = 0; i < count && done; i++) {
    if (is_null(&args[i])) continue; /* as aggregates do */
    done = hold(functions[CONCAT].name, &args[i], &list.ptr[list.len], err);
    if (done) list.len++;
  }
  Held joined;
  done = done && sqlite_extension_changeset_concat(&list, NULL, &joined, err) && give_held(joined, ret, err);
  for (size_t i = 0; i < list.len; i++) drop(list.ptr[i]);
  free(list.ptr);
  return done;
}

static bool rebase(Held held, Value *args, size_t count, Value *ret, Error *err) {
  WORLD(list_list_u8_t) buffers = {allocate(count * sizeof(WORLD(list_u8_t))), count};
  for (size_t i = 0; i < count; i++) {
    if (!is_blob(&args[i])) {
      free(buffers.ptr);
      return fail_kind(err, functions[REBASE].name, "a rebase buffer is a blob, from a report of changeset_apply", &args[i]);
    }
    buffers.ptr[i].ptr = args[i].val.blob.ptr;
    buffers.ptr[i].len = args[i].val.blob.len;
  }
  Held rebased;
  bool done = sqlite_extension_changeset_rebase(held, &buffers, &rebased, err) && give_held(rebased, ret, err);
  free(buffers.ptr);
  return done;
}

/* Returns NULL, or the reason and the wrong byte. */
static bool fault(uint64_t id, Held held, Value *ret, Error *err) {
  sqlite_extension_changeset_option_fault_t found;
  if (!sqlite_extension_changeset_validate(held, &found, err)) return false;
  if (id == VALID) give_integer(ret, !found.is_some);
  else if (!found.is_some) give_null(ret);
  else {
    Sentence s = {0};
    add_bytes(&s, (const char *)found.val.reason.ptr, found.val.reason.len);
    add(&s, " at byte ");
    add_unsigned(&s, found.val.offset);
    give_bytes(ret, TEXT, s.text, s.len);
  }
  sqlite_extension_changeset_option_fault_free(&found);
  return true;
}

static bool on_held(uint64_t id, Held held, Value *args, size_t count, Value *ret, Error *err) {
  Held made;
  WORLD(string_t) options;
  switch (id) {
    case INVERT:
      return sqlite_extension_changeset_invert(held, &made, err) && give_held(made, ret, err);
    case REBASE:
      return rebase(held, args + 1, count - 1, ret, err);
    case VALID:
    case FAULT:
      return fault(id, held, ret, err);
    case JSON:
      ret->tag = TEXT;
      return sqlite_extension_changeset_to_json(held, &ret->val.text, err);
    case SQL:
      ret->tag = TEXT;
      return sqlite_extension_changeset_to_sql(held, &ret->val.text, err);
    case STAT:
      ret->tag = TEXT;
      return sqlite_extension_changeset_statistics(held, &ret->val.text, err);
    default:
      if (count > 1 && !is_text(&args[1])) {
        return fail_kind(err, functions[id].name, "the options are a JSON object, as text", &args[1]);
      }
      if (count > 1) options = args[1].val.text;
      else WORLD(string_set)(&options, "{}");
      ret->tag = TEXT;
      return sqlite_extension_changeset_apply(held, &options, &ret->val.text, err);
  }
}

static bool call(uint64_t id, Value *args, size_t count, Value *ret, Error *err) {
  Held held;
  if (id >= FUNCTIONS || (functions[id].args >= 0 && count != (size_t)functions[id].args)) {
    Sentence s = {0};
    add(&s, "the changeset extension has no such function");
    return fail_with(err, SQLITE_MISUSE, &s);
  }
  if (id == CONCAT) return concat(args, count, ret, err);
  if (count == 0) {
    Sentence s = {0};
    add(&s, functions[id].name);
    add(&s, " takes a changeset and the rebase buffers of what was applied before it");
    return fail_with(err, SQLITE_MISUSE, &s);
  }
  if (is_null(&args[0])) return give_null(ret);
  if (id == FROM_JSON) {
    if (!is_text(&args[0])) return fail_kind(err, functions[id].name, "the document must be text", &args[0]);
    return sqlite_extension_changeset_from_json(&args[0].val.text, &held, err) && give_held(held, ret, err);
  }
  if (!hold(functions[id].name, &args[0], &held, err)) return false;
  bool done = on_held(id, held, args, count, ret, err);
  drop(held);
  return done;
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  bool done = call(id, args->ptr, args->len, ret, err);
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return done;
}
