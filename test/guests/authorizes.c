/* Denies DROP TABLE, reads column "secret" as NULL, traps at table "trap", and calls the host at table "tries". */
#include "authorizing.h"
#define WORLD(name) authorizing_##name
#include "sentence.h"
#include "calls.h"

enum { DROP_TABLE = 11, READ = 20 };

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  authorizing_string_dup(&ret->name, "authorizing");
  authorizing_string_dup(&ret->version, "1.0.0");
}

static bool is(const authorizing_string_t *s, const char *text) {
  return s && s->len == strlen(text) && memcmp(s->ptr, text, s->len) == 0;
}

exports_sqlite_extension_authorizer_verdict_t exports_sqlite_extension_authorizer_authorize(
  int32_t action, authorizing_string_t *first, authorizing_string_t *second, authorizing_string_t *database,
  authorizing_string_t *trigger
) {
  (void)trigger;
  exports_sqlite_extension_authorizer_verdict_t verdict = EXPORTS_SQLITE_EXTENSION_AUTHORIZER_VERDICT_ALLOW;
  if (action == DROP_TABLE) verdict = EXPORTS_SQLITE_EXTENSION_AUTHORIZER_VERDICT_DENY;
  if (action == READ && is(second, "secret")) verdict = EXPORTS_SQLITE_EXTENSION_AUTHORIZER_VERDICT_IGNORE;
  if (action == READ && is(first, "trap") && is(database, "main")) __builtin_trap();
  if (action == READ && is(first, "tries")) log_calls("authorize");
  return verdict;
}
