#define HASH(name) sha256_hash_##name
#include "rename.h"
#include "hash-wasm-sha256.c"
