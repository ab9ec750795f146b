#include "guest.h"

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  WORLD(string_dup)(&ret->name, "EXTENSION_NAME");
  WORLD(string_dup)(&ret->version, "0.1.0");
}
