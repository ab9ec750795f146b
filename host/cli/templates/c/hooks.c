/* Rolls back a transaction that changes more than a thousand rows, as a guard against a forgotten WHERE. */
#include "guest.h"

enum { MOST_ROWS = 1000 };

static uint64_t changed;

exports_sqlite_extension_hooks_hook_set_t exports_sqlite_extension_hooks_describe(void) {
  return EXPORTS_SQLITE_EXTENSION_HOOKS_HOOK_SET_UPDATE | EXPORTS_SQLITE_EXTENSION_HOOKS_HOOK_SET_COMMIT |
         EXPORTS_SQLITE_EXTENSION_HOOKS_HOOK_SET_ROLLBACK;
}

void exports_sqlite_extension_hooks_on_update(
  exports_sqlite_extension_hooks_operation_t what, String *database, String *table, int64_t rowid
) {
  (void)what, (void)rowid;
  changed++;
  WORLD(string_free)(database);
  WORLD(string_free)(table);
}

bool exports_sqlite_extension_hooks_on_commit(void) {
  if (changed <= MOST_ROWS) {
    changed = 0;
    return true;
  }
  String message;
  WORLD(string_set)(&message, "more than 1000 rows were changed: the transaction is rolled back");
  sqlite_extension_logging_log(SQLITE_EXTENSION_LOGGING_LEVEL_WARNING, &message);
  return false; /* SQLite then calls on_rollback */
}

void exports_sqlite_extension_hooks_on_rollback(void) { changed = 0; }

/* Never called, because it is not in the set above. */
void exports_sqlite_extension_hooks_on_wal(String *database, uint32_t pages) {
  (void)pages;
  WORLD(string_free)(database);
}
