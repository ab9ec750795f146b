#define HASH(name) md5_hash_##name
#include "rename.h"
#include "hash-wasm-md5.c"
