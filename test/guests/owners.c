/* Uses sessions and held changesets of any owner by number, and makes as many as possible. */
#include "minimal.h"
#define WORLD(name) minimal_##name
#include "sentence.h"

enum {
  LIST, CREATE, ATTACH, CHANGESET, TAKE, STOP, DELETE, DIFF, HOLD, SIZE, DROP, COUNT, PAGE, JSON, SQL, JOIN, TRAP, FUNCTIONS
};

static const Function functions[FUNCTIONS] = {
  [LIST] = {"own_list", 0, 0},     [CREATE] = {"own_create", 1, 0}, [ATTACH] = {"own_attach", 1, 0},
  [CHANGESET] = {"own_changeset", 1, 0}, [TAKE] = {"own_take", 1, 0}, [STOP] = {"own_stop", 1, 0},
  [DELETE] = {"own_delete", 1, 0}, [DIFF] = {"own_diff", 3, 0},     [HOLD] = {"own_hold", 2, 0},
  [SIZE] = {"own_size", 1, 0},     [DROP] = {"own_drop", 1, 0},     [COUNT] = {"own_count", 1, 0},
  [PAGE] = {"own_page", 2, 0},     [JSON] = {"own_json", 1, 0},     [SQL] = {"own_sql", 1, 0},
  [JOIN] = {"own_join", 2, 0},     [TRAP] = {"own_trap", 0, 0},
};

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  minimal_string_dup(&ret->name, "owners");
  minimal_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  describe_functions(functions, FUNCTIONS, ret);
}

/* Returns the listed handles. */
static bool list(Value *ret) {
  sqlite_extension_session_list_session_state_t states;
  Sentence s = {0};
  sqlite_extension_session_sessions(&states);
  for (size_t i = 0; i < states.len; i++) {
    if (i > 0) add(&s, " ");
    add_unsigned(&s, states.ptr[i].h);
  }
  sqlite_extension_session_list_session_state_free(&states);
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
  minimal_string_dup_n(&ret->val.text, s.text, s.len);
  return true;
}

/* Holds a changeset of `bytes`, repeated `times` times. */
static bool hold(minimal_list_u8_t *bytes, int64_t times, Value *ret, Error *err) {
  sqlite_extension_changeset_held_t held;
  Error ignored;
  if (!sqlite_extension_changeset_create(&held, err)) return false;
  for (int64_t i = 0; i < times; i++) {
    if (sqlite_extension_changeset_append(held, bytes, err)) continue;
    if (!sqlite_extension_changeset_drop(held, &ignored)) abort();
    return false;
  }
  return give_integer(ret, held);
}

/* The number of changesets that it can make, at most n. */
static int64_t count(int64_t n) {
  sqlite_extension_changeset_held_t held;
  Error err;
  for (int64_t i = 0; i < n; i++) {
    if (sqlite_extension_changeset_create(&held, &err)) continue;
    sqlite_extension_session_sqlite_error_free(&err);
    return i;
  }
  return n;
}

static bool text_of(bool done, minimal_string_t *text, Value *ret) {
  if (!done) return false;
  int64_t length = text->len;
  minimal_string_free(text);
  return give_integer(ret, length);
}

static bool call(uint64_t id, Value *args, Value *ret, Error *err) {
  minimal_string_t text;
  bool off = false, now;
  sqlite_extension_session_handle_t h = 0;
  sqlite_extension_changeset_held_t held = 0;
  if (id != LIST && id != TRAP && is_integer(&args[0])) h = held = args[0].val.integer;
  switch (id) {
    case LIST: return list(ret);
    case CREATE: return sqlite_extension_session_create(&args[0].val.text, &h, err) && give_integer(ret, h);
    case ATTACH: return sqlite_extension_session_attach(h, NULL, err) && give_integer(ret, 1);
    case CHANGESET:
      ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB;
      return sqlite_extension_session_changeset(h, &ret->val.blob, err);
    case TAKE:
      ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_BLOB;
      return sqlite_extension_session_take(h, &ret->val.blob, err);
    case STOP: return sqlite_extension_session_enable(h, &off, &now, err) && give_integer(ret, now);
    case DELETE: return sqlite_extension_session_delete(h, err) && give_integer(ret, 1);
    case DIFF:
      return sqlite_extension_session_diff(h, &args[1].val.text, &args[2].val.text, err) && give_integer(ret, 1);
    case HOLD: return hold(&args[0].val.blob, args[1].val.integer, ret, err);
    case SIZE: {
      uint64_t size;
      return sqlite_extension_changeset_size(held, &size, err) && give_integer(ret, size);
    }
    case DROP: return sqlite_extension_changeset_drop(held, err) && give_integer(ret, 1);
    case COUNT: return give_integer(ret, count(h));
    case PAGE: {
      sqlite_extension_changeset_page_t page;
      if (!sqlite_extension_changeset_changes(held, 0, args[1].val.integer, &page, err)) return false;
      int64_t changes = page.changes.len;
      sqlite_extension_changeset_page_free(&page);
      return give_integer(ret, changes);
    }
    case JSON: return text_of(sqlite_extension_changeset_to_json(held, &text, err), &text, ret);
    case SQL: return text_of(sqlite_extension_changeset_to_sql(held, &text, err), &text, ret);
    case JOIN: {
      sqlite_extension_changeset_held_t both[] = {held, args[1].val.integer};
      sqlite_extension_changeset_list_held_t all = {both, 2};
      return sqlite_extension_changeset_concat(&all, NULL, &held, err) && give_integer(ret, held);
    }
    default: abort();
  }
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  bool done = call(id, args->ptr, ret, err);
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return done;
}
