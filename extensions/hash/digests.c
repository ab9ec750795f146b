/* Computes digests with the sources of hash-wasm. */
#include "digests.h"

uint8_t *hash_bytes;

/* Functions in those sources. `init` takes a length, a polynomial or nothing, and `final` a padding or a length. */
void md5_hash_init(void), md5_hash_update(uint32_t len), md5_hash_final(void);
void sha1_hash_init(void), sha1_hash_update(uint32_t len), sha1_hash_final(void);
void sha256_hash_init(uint32_t bits), sha256_hash_update(uint32_t len), sha256_hash_final(void);
void sha512_hash_init(uint32_t bits), sha512_hash_update(uint32_t len), sha512_hash_final(void);
void sha3_hash_init(uint32_t bits), sha3_hash_update(uint32_t len), sha3_hash_final(uint8_t padding);
void crc32_hash_init(uint32_t polynomial), crc32_hash_update(uint32_t len), crc32_hash_final(void);
void blake3_hash_init(uint32_t key_length), blake3_hash_update(uint32_t len), blake3_hash_final(uint32_t digest_length);

/* Defines the digest NAME with the functions of FAMILY. */
#define DIGEST(name, family, init_arguments, final_arguments) \
  void name##_digest(const uint8_t *bytes, size_t len, uint8_t *out) { \
    family##_hash_init init_arguments; \
    hash_bytes = (uint8_t *)bytes; \
    family##_hash_update(len); \
    hash_bytes = out; \
    family##_hash_final final_arguments; \
  }

DIGEST(md5, md5, (), ())
DIGEST(sha1, sha1, (), ())
DIGEST(sha224, sha256, (224), ())
DIGEST(sha256, sha256, (256), ())
DIGEST(sha384, sha512, (384), ())
DIGEST(sha512, sha512, (512), ())
DIGEST(sha3_224, sha3, (224), (6))
DIGEST(sha3_256, sha3, (256), (6))
DIGEST(sha3_384, sha3, (384), (6))
DIGEST(sha3_512, sha3, (512), (6))
DIGEST(crc32, crc32, (0xedb88320), ())
DIGEST(blake3, blake3, (0), (32))
