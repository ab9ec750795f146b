/* A component with its own world that records changes. It uses the canonical ABI directly, without bindings. */
#include <stdint.h>
#include <stdlib.h>

#define IMPORT(name) __attribute__((import_module("sqlite:extension/session@1.0.0"), import_name(name)))

IMPORT("create") void session_create(const char *name, int length, void *result);
IMPORT("attach") void session_attach(int64_t handle, int some, const char *table, int length, void *result);
IMPORT("changeset") void session_changeset(int64_t handle, void *result);
IMPORT("delete") void session_delete(int64_t handle, void *result);

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, int oldSize, int align, int size){
  (void)oldSize; (void)align;
  return realloc(old, size);
}

__attribute__((export_name("acme:things/capture@1.0.0#start"))) int64_t start(void){
  struct { uint64_t isError; int64_t handle; uint64_t rest; } created;
  struct { uint32_t word[5]; } attached;
  session_create("main", 4, &created);
  if( (uint8_t)created.isError ) return 0;
  session_attach(created.handle, 0, 0, 0, &attached);
  return created.handle;
}

__attribute__((export_name("acme:things/capture@1.0.0#finish"))) void *finish(int64_t handle){
  static struct { void *bytes; uint32_t length; } list;
  struct { uint32_t isError; void *bytes; uint32_t length; uint32_t rest[2]; } read;
  struct { uint32_t word[5]; } deleted;
  session_changeset(handle, &read);
  list.bytes = (uint8_t)read.isError ? 0 : read.bytes;
  list.length = (uint8_t)read.isError ? 0 : read.length;
  session_delete(handle, &deleted);
  return &list;
}
