/*
** World full: everything in one component. In addition to everything.h, the collation `backwards`, an authorizer that
** denies access to a table "forbidden", and hooks.
*/
#include "full.h"
#define WORLD(name) full_##name
#define COMPONENT "full"
#define HAS_AGGREGATES
#define HAS_WRITABLE
#include "sentence.h"
#include "calls.h"
#include "rows.h"
#include "everything.h"

void exports_sqlite_extension_collation_describe(exports_sqlite_extension_collation_list_collation_spec_t *ret) {
  ret->len = 1;
  ret->ptr = room_for(1, sizeof *ret->ptr);
  WORLD(string_dup)(&ret->ptr[0].name, "backwards");
}

int32_t exports_sqlite_extension_collation_compare(uint64_t id, String *a, String *b) {
  (void)id;
  try_at("compare");
  Value left = {.tag = TEXT, .val.text = *a}, right = {.tag = TEXT, .val.text = *b};
  int order = compare(&right, &left);
  WORLD(string_free)(a);
  WORLD(string_free)(b);
  return order;
}

exports_sqlite_extension_authorizer_verdict_t exports_sqlite_extension_authorizer_authorize(
  int32_t action, String *first, String *second, String *database, String *trigger
) {
  (void)action; (void)second; (void)database; (void)trigger;
  try_at("authorize");
  return first && is(first, "forbidden") ? EXPORTS_SQLITE_EXTENSION_AUTHORIZER_VERDICT_DENY
                                         : EXPORTS_SQLITE_EXTENSION_AUTHORIZER_VERDICT_ALLOW;
}

exports_sqlite_extension_hooks_hook_set_t exports_sqlite_extension_hooks_describe(void) { return 15; }

void exports_sqlite_extension_hooks_on_update(
  exports_sqlite_extension_hooks_operation_t what, String *database, String *table, int64_t rowid
) {
  (void)what; (void)rowid;
  try_at("on-update");
  WORLD(string_free)(database);
  WORLD(string_free)(table);
}
bool exports_sqlite_extension_hooks_on_commit(void) {
  try_at("on-commit");
  return true;
}
void exports_sqlite_extension_hooks_on_rollback(void) { try_at("on-rollback"); }
void exports_sqlite_extension_hooks_on_wal(String *database, uint32_t pages) {
  (void)pages;
  try_at("on-wal");
  WORLD(string_free)(database);
}
