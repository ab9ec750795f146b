/*
** A command with its own world. It raises all prices with SQL, records the changes, and stores the changeset in a
** table. It uses the canonical ABI directly, without bindings.
*/
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(interface, name) \
  __attribute__((import_module("sqlite:extension/" interface "@" CONTRACT), import_name(name)))

/* result<T, sqlite-error> with the largest T that is used here, list<u8> and query-result */
typedef struct {
  uint8_t is_error;
  union {
    int64_t handle; /* at 8 */
    uint32_t words[10];
  } ok;
} Result;

/* A blob as variant sql-value: the case, then at 8 the list. */
typedef struct {
  uint64_t tag;
  uint32_t at, len;
} Blob;

_Static_assert(sizeof(Result) == 48 && offsetof(Result, ok) == 8, "as the canonical ABI lays it out");

IMPORT("session", "create") void session_create(const char *name, int length, void *result);
IMPORT("session", "attach") void session_attach(int64_t handle, int some, const char *table, int len, void *result);
IMPORT("session", "changeset") void session_changeset(int64_t handle, void *result);
IMPORT("session", "delete") void session_delete(int64_t handle, void *result);
IMPORT("spi", "run") void spi_run(const char *sql, int length, void *result);
IMPORT("spi", "execute") void spi_execute(const char *sql, int length, const void *params, int count, void *result);

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, int old_size, int align, int size) {
  (void)old_size, (void)align;
  return realloc(old, size);
}

/* 0 is ok, 1 is err */
__attribute__((export_name("wasi:cli/run@0.2.6#run"))) int run(void) {
  static const char raise[] = "UPDATE item SET price = price * 2";
  static const char keep[] = "INSERT INTO outbox(changes) VALUES (?1)";
  Result result, ignored;
  session_create("main", 4, &result);
  if (result.is_error) return 1;
  int64_t handle = result.ok.handle;
  session_attach(handle, 1, "item", 4, &result);
  if (!result.is_error) spi_run(raise, sizeof raise - 1, &result);
  if (!result.is_error) session_changeset(handle, &result);
  if (!result.is_error) {
    /* The list is at offset 4, because its alignment is 4. */
    uint32_t list[2];
    memcpy(list, (char *)&result + 4, sizeof list);
    Blob blob = {4, list[0], list[1]};
    spi_execute(keep, sizeof keep - 1, &blob, 1, &result);
  }
  session_delete(handle, &ignored);
  return result.is_error;
}
