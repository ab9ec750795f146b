/* Uses version 2.0.0 of every interface. */
#include <stdint.h>
#include <stdlib.h>

__attribute__((import_module("sqlite:extension/session@2.0.0"), import_name("latest")))
extern uint64_t latest(void);

static struct {
  const char *ptr;
  size_t len;
} name = {"wrong-version", 13};

__attribute__((export_name("sqlite:extension/metadata@2.0.0#describe")))
void *describe(void) { return &name; }

__attribute__((export_name("sqlite:extension/scalar-function@2.0.0#call")))
uint64_t call(uint64_t id) { return id + latest(); }

__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *ptr, size_t old_size, size_t align, size_t new_size) {
  (void)old_size, (void)align;
  return realloc(ptr, new_size);
}
