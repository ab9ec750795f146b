#define HASH(name) sha512_hash_##name
#include "rename.h"
#include "hash-wasm-sha512.c"
