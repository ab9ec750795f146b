/*
** Hooks that log their calls, refuse commits of table "forbidden", trap if table "trap" is changed, and call the host after
** table "tries" is changed.
*/
#include "hooked.h"
#define WORLD(name) hooked_##name
#include "sentence.h"
#include "calls.h"

static bool forbidden, trying;

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  hooked_string_dup(&ret->name, "hooked");
  hooked_string_dup(&ret->version, "1.0.0");
}

exports_sqlite_extension_hooks_hook_set_t exports_sqlite_extension_hooks_describe(void) { return 15; }

static void say(const char *text, size_t len) {
  hooked_string_t message = {(uint8_t *)text, len};
  sqlite_extension_logging_log(SQLITE_EXTENSION_LOGGING_LEVEL_INFO, &message);
}

static bool is(const hooked_string_t *s, const char *text) {
  return s->len == strlen(text) && memcmp(s->ptr, text, s->len) == 0;
}

void exports_sqlite_extension_hooks_on_update(
  exports_sqlite_extension_hooks_operation_t what, hooked_string_t *database, hooked_string_t *table, int64_t rowid
) {
  static const char *const ops[] = {"insert ", "update ", "delete "};
  char text[64] = "";
  if (is(table, "trap")) __builtin_trap();
  if (is(table, "forbidden")) forbidden = true;
  strcpy(text, ops[what]);
  strncat(text, (char *)database->ptr, database->len);
  strcat(text, ".");
  strncat(text, (char *)table->ptr, table->len < 20 ? table->len : 20);
  size_t len = strlen(text);
  text[len++] = ' ';
  text[len++] = '0' + rowid % 10;
  say(text, len);
  if (is(table, "tries")) trying = true;
  if (trying) log_calls("on-update");
  hooked_string_free(database);
  hooked_string_free(table);
}

bool exports_sqlite_extension_hooks_on_commit(void) {
  say("commit", 6);
  if (trying) log_calls("on-commit");
  return !forbidden;
}

void exports_sqlite_extension_hooks_on_rollback(void) {
  forbidden = false;
  say("rollback", 8);
  if (trying) log_calls("on-rollback");
}

void exports_sqlite_extension_hooks_on_wal(hooked_string_t *database, uint32_t pages) {
  (void)pages;
  say("wal", 3);
  if (trying) log_calls("on-wal");
  hooked_string_free(database);
}
