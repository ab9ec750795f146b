#define HASH(name) blake3_hash_##name
#include "rename.h"
#include "hash-wasm-blake3.c"
