#define HASH(name) sha3_hash_##name
#include "rename.h"
#include "hash-wasm-sha3.c"
