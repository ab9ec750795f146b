/* The algorithms. Each computes the digest of bytes. */
#ifndef DIGESTS_H
#define DIGESTS_H
#include <stddef.h>
#include <stdint.h>

enum { LONGEST_DIGEST = 64 };

typedef void Digest(const uint8_t *bytes, size_t len, uint8_t *out);

Digest md5_digest, sha1_digest, sha224_digest, sha256_digest, sha384_digest, sha512_digest;
Digest sha3_224_digest, sha3_256_digest, sha3_384_digest, sha3_512_digest;
Digest crc32_digest, blake3_digest, xxh32_digest, xxh64_digest, xxh3_64_digest, xxh3_128_digest;
#endif
