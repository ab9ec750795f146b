/* The four functions of xxHash, in the byte order of its canonical representation. */
#define XXH_INLINE_ALL
#define XXH_NO_STDLIB
#define XXH_NO_STREAM
#define XXH_STATIC_LINKING_ONLY
#include "digests.h"
#include "xxhash.h"

void xxh32_digest(const uint8_t *bytes, size_t len, uint8_t *out) {
  XXH32_canonicalFromHash((XXH32_canonical_t *)out, XXH32(bytes, len, 0));
}

void xxh64_digest(const uint8_t *bytes, size_t len, uint8_t *out) {
  XXH64_canonicalFromHash((XXH64_canonical_t *)out, XXH64(bytes, len, 0));
}

void xxh3_64_digest(const uint8_t *bytes, size_t len, uint8_t *out) {
  XXH64_canonicalFromHash((XXH64_canonical_t *)out, XXH3_64bits(bytes, len));
}

void xxh3_128_digest(const uint8_t *bytes, size_t len, uint8_t *out) {
  XXH128_canonicalFromHash((XXH128_canonical_t *)out, XXH3_128bits(bytes, len));
}
