#define HASH(name) sha1_hash_##name
#include "rename.h"
#include "hash-wasm-sha1.c"
