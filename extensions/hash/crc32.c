#define HASH(name) crc32_hash_##name
#include "rename.h"
#include "hash-wasm-crc32.c"
