/* The SQL functions session_*, which call the host's interface sqlite:extension/session. */
#include "sentence.h"
#include "handle.h"

enum {
  CREATE, CREATE_TABLES, CREATE_ROWID, ATTACH, CHANGESET, PATCHSET, TAKE, DELETE, ENABLED, ENABLE, IS_INDIRECT,
  INDIRECT, ISEMPTY, MEMORY_USED, SIZE, DIFF, FILTER, FUNCTIONS
};

/* No function is direct-only, because triggers may call them. None is deterministic or innocuous, because they depend
** on state. */
static const Function functions[FUNCTIONS] = {
  [CREATE] = {"session_create", 1, 0},
  [CREATE_TABLES] = {"session_create", -1, 0},
  [CREATE_ROWID] = {"session_create_rowid", -1, 0},
  [ATTACH] = {"session_attach", 2, 0},
  [CHANGESET] = {"session_changeset", 1, 0},
  [PATCHSET] = {"session_patchset", 1, 0},
  [TAKE] = {"session_take", 1, 0},
  [DELETE] = {"session_delete", 1, 0},
  [ENABLED] = {"session_enable", 1, 0},
  [ENABLE] = {"session_enable", 2, 0},
  [IS_INDIRECT] = {"session_indirect", 1, 0},
  [INDIRECT] = {"session_indirect", 2, 0},
  [ISEMPTY] = {"session_isempty", 1, 0},
  [MEMORY_USED] = {"session_memory_used", 1, 0},
  [SIZE] = {"session_size", 1, 0},
  [DIFF] = {"session_diff", 3, 0},
  [FILTER] = {"session_filter", -1, 0},
};

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  WORLD(string_dup)(&ret->name, "session");
  WORLD(string_dup)(&ret->version, "1.1.0");
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  describe_functions(functions, FUNCTIONS, ret);
}

/* Returns 1 for success, and 0 if the host failed with `code`, which is not an error here. */
static bool answer(bool done, int32_t code, Value *ret, Error *err) {
  if (!done && err->code != code) return false;
  if (!done) exports_sqlite_extension_scalar_function_sqlite_error_free(err);
  return give_integer(ret, done);
}

/* Makes a session and attaches the tables after the database argument, or all tables if there are none. */
static bool create(int function, Value *args, size_t count, Value *ret, Error *err) {
  const char *name = functions[function].name;
  if (count == 0) {
    Value none = {.tag = NONE};
    return fail_kind(err, name, "the database name must be text, such as 'main'", &none);
  }
  if (!is_text(&args[0])) return fail_kind(err, name, "the database name must be text, such as 'main'", &args[0]);
  for (size_t i = 1; i < count; i++) {
    if (!is_text(&args[i])) return fail_kind(err, name, "a table must be text", &args[i]);
  }
  Handle h;
  Error ignored;
  int options = SQLITE_EXTENSION_SESSION_SESSION_FLAGS_SIZE;
  if (function == CREATE_ROWID) options |= SQLITE_EXTENSION_SESSION_SESSION_FLAGS_ROWID;
  if (!sqlite_extension_session_create_with(&args[0].val.text, options, &h, err)) return false;
  bool done = true;
  if (function == CREATE_ROWID && count == 1) done = sqlite_extension_session_attach(h, NULL, err);
  for (size_t i = 1; i < count && done; i++) {
    done = sqlite_extension_session_attach(h, &args[i].val.text, err);
    if (!done && err->code == SQLITE_NOTICE) { /* attached: it records from the moment it can */
      exports_sqlite_extension_scalar_function_sqlite_error_free(err);
      done = true;
    }
  }
  if (done) return give_integer(ret, h);
  if (!sqlite_extension_session_delete(h, &ignored)) {
    exports_sqlite_extension_scalar_function_sqlite_error_free(&ignored);
  }
  return false;
}

/* Sets a state (0 or 1, or NULL to leave it) and returns the current state. */
static bool state(int function, Handle h, Value *wanted, Value *ret, Error *err) {
  bool on, now;
  bool *set = NULL;
  if (wanted && !is_null(wanted)) {
    if (!is_integer(wanted) || wanted->val.integer < 0 || wanted->val.integer > 1) {
      return fail_kind(err, functions[function].name, "the state must be 0 or 1, or NULL to ask", wanted);
    }
    on = wanted->val.integer;
    set = &on;
  }
  bool done = function == ENABLE || function == ENABLED ? sqlite_extension_session_enable(h, set, &now, err)
                                                        : sqlite_extension_session_indirect(h, set, &now, err);
  return done && give_integer(ret, now);
}

static bool filter(Handle h, Value *args, size_t count, Value *ret, Error *err) {
  WORLD(list_string_t) globs = {allocate(count * sizeof(String)), count};
  for (size_t i = 0; i < count; i++) {
    if (!is_text(&args[i])) {
      free(globs.ptr);
      return fail_kind(err, functions[FILTER].name, "a pattern must be text, such as 'log_*' or '!log_*'", &args[i]);
    }
    globs.ptr[i] = args[i].val.text;
  }
  bool done = sqlite_extension_session_filter(h, &globs, err);
  free(globs.ptr);
  return done && give_integer(ret, 1);
}

static bool call(uint64_t id, Value *args, size_t count, Value *ret, Error *err) {
  Handle h;
  bool yes;
  uint64_t n;
  if (id >= FUNCTIONS || (functions[id].args >= 0 && count != (size_t)functions[id].args)) {
    Sentence s = {0};
    add(&s, "the session extension has no such function");
    return fail_with(err, SQLITE_MISUSE, &s);
  }
  const char *name = functions[id].name;
  if (id == CREATE || id == CREATE_TABLES || id == CREATE_ROWID) return create(id, args, count, ret, err);
  Value none = {.tag = NONE};
  if (!handle_of(name, count ? &args[0] : &none, &h, err)) return false;
  switch (id) {
    case ATTACH: {
      bool all = is_null(&args[1]);
      if (!all && !is_text(&args[1])) {
        return fail_kind(err, name, "the table must be text, or NULL for every table", &args[1]);
      }
      return answer(sqlite_extension_session_attach(h, all ? NULL : &args[1].val.text, err), SQLITE_NOTICE, ret, err);
    }
    case CHANGESET: /* these are handed on without a copy */
      ret->tag = BLOB;
      return sqlite_extension_session_changeset(h, &ret->val.blob, err);
    case PATCHSET:
      ret->tag = BLOB;
      return sqlite_extension_session_patchset(h, &ret->val.blob, err);
    case TAKE:
      ret->tag = BLOB;
      return sqlite_extension_session_take(h, &ret->val.blob, err);
    case ENABLED:
    case IS_INDIRECT:
      return state(id, h, NULL, ret, err);
    case ENABLE:
    case INDIRECT:
      return state(id, h, &args[1], ret, err);
    case ISEMPTY:
      return sqlite_extension_session_is_empty(h, &yes, err) && give_integer(ret, yes);
    case MEMORY_USED:
      return sqlite_extension_session_memory_used(h, &n, err) && give_integer(ret, n);
    case SIZE:
      return sqlite_extension_session_changeset_size(h, &n, err) && give_integer(ret, n);
    case DIFF:
      if (!is_text(&args[1])) return fail_kind(err, name, "the other database must be text", &args[1]);
      if (!is_text(&args[2])) return fail_kind(err, name, "the table must be text", &args[2]);
      return sqlite_extension_session_diff(h, &args[1].val.text, &args[2].val.text, err) && give_integer(ret, 1);
    case FILTER:
      return filter(h, args + 1, count - 1, ret, err);
    default:
      return answer(sqlite_extension_session_delete(h, err), SQLITE_NOTFOUND, ret, err);
  }
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  bool done = call(id, args->ptr, args->len, ret, err);
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return done;
}
