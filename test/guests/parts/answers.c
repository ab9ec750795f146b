/* The inner half of composed.wasm: reverses text. It uses the canonical ABI directly. */
#include <stdint.h>
#include <stdlib.h>

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, int oldSize, int align, int size) {
  (void)oldSize, (void)align;
  return realloc(old, size);
}

typedef struct { uint8_t *bytes; uint32_t length; } Text;

__attribute__((export_name("acme:things/text@1.0.0#reverse"))) Text *reverse(uint8_t *bytes, uint32_t length) {
  static Text result;
  for (uint32_t i = 0; i < length / 2; i++) {
    uint8_t kept = bytes[i];
    bytes[i] = bytes[length - 1 - i];
    bytes[length - 1 - i] = kept;
  }
  result = (Text){bytes, length};
  return &result;
}

__attribute__((export_name("cabi_post_acme:things/text@1.0.0#reverse"))) void done(Text *text) {
  free(text->bytes);
}
