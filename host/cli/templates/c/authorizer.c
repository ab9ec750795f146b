/* Rows of tables whose name begins with log_ can be inserted but not changed. Columns named password read as NULL. */
#include "guest.h"

/* https://www.sqlite.org/c3ref/c_alter_table.html */
enum { ACTION_DELETE = 9, ACTION_DROP_TABLE = 11, ACTION_READ = 20, ACTION_UPDATE = 23, ACTION_ALTER_TABLE = 26 };

/* Compares names case-insensitively, as SQLite does. */
static bool begins_with(const String *text, const char *prefix) {
  size_t len = strlen(prefix);
  if (!text || text->len < len) return false;
  for (size_t i = 0; i < len; i++) {
    uint8_t c = text->ptr[i];
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
    if (c != prefix[i]) return false;
  }
  return true;
}

static exports_sqlite_extension_authorizer_verdict_t decide(
  int32_t action, const String *first, const String *second
) {
  switch (action) {
    case ACTION_READ: /* the table, then the column */
      if (!begins_with(second, "password") || second->len != 8) break;
      return EXPORTS_SQLITE_EXTENSION_AUTHORIZER_VERDICT_IGNORE;
    case ACTION_DELETE:
    case ACTION_UPDATE:
    case ACTION_DROP_TABLE: /* the table */
      if (!begins_with(first, "log_")) break;
      return EXPORTS_SQLITE_EXTENSION_AUTHORIZER_VERDICT_DENY;
    case ACTION_ALTER_TABLE: /* the database, then the table */
      if (!begins_with(second, "log_")) break;
      return EXPORTS_SQLITE_EXTENSION_AUTHORIZER_VERDICT_DENY;
  }
  return EXPORTS_SQLITE_EXTENSION_AUTHORIZER_VERDICT_ALLOW;
}

static void release(String *text) {
  if (text) WORLD(string_free)(text);
}

exports_sqlite_extension_authorizer_verdict_t exports_sqlite_extension_authorizer_authorize(
  int32_t action, String *first, String *second, String *database, String *trigger
) {
  exports_sqlite_extension_authorizer_verdict_t verdict = decide(action, first, second);
  release(first);
  release(second);
  release(database);
  release(trigger);
  return verdict;
}
