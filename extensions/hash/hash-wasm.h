/*
** Replaces the header of hash-wasm's sources. Its sources read and write one buffer; here they use the memory at
** `hash_bytes`, so that nothing is copied.
*/
#ifndef HASH_WASM_H
#define HASH_WASM_H
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#define WASM_EXPORT

extern uint8_t *hash_bytes;
#define main_buffer hash_bytes

#define memcpy16(to, from) memcpy(to, from, 16)
#define memcpy32(to, from) memcpy(to, from, 32)
#define memcpy64(to, from) memcpy(to, from, 64)
#define memset64(to, value) memset(to, value, 64)
#endif
