/* Memory of the core, taken from the engine in big steps, and no more than is allowed. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include "sqlite3.h"

enum { PAGE = 65536 };
static const uintptr_t smallest = 1u << 20, largest = 64u << 20;

/* What was taken from the engine and not handed out yet. */
static uintptr_t start, end;

/* Where the heap begins (the linker's), and how large it may be. */
extern unsigned char __heap_base;
static uintptr_t most = UINTPTR_MAX;

sqlite3_int64 __real_sqlite3_hard_heap_limit64(sqlite3_int64 n);

/*
** The engine is compiled without SQLite's statistics of memory, by which a limit is held. So it holds for the heap as a
** whole, with what is free in it.
*/
sqlite3_int64 __wrap_sqlite3_hard_heap_limit64(sqlite3_int64 n){
  sqlite3_int64 before = __real_sqlite3_hard_heap_limit64(n);
  sqlite3_int64 now = __real_sqlite3_hard_heap_limit64(-1);
  most = now>0 && now<(sqlite3_int64)UINTPTR_MAX ? (uintptr_t)now : UINTPTR_MAX;
  return before;
}

/*
** sbrk of wasi-libc (sources/sbrk.c) grows the memory by exactly n bytes. Each growth makes V8 replace the ArrayBuffer
** and collect garbage, so this one grows by a quarter of the memory, from 1 to 64 MiB, and hands it out in pieces.
*/
void *__wrap_sbrk(intptr_t n){
  uintptr_t size = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
  if( end==0 ) start = end = size;
  uintptr_t heap = start - (uintptr_t)&__heap_base;
  if( n<0 || (n>0 && (heap>most || (uintptr_t)n>most-heap)) ){
    errno = ENOMEM;
    return (void*)-1;
  }
  if( (uintptr_t)n>end-start ){
    if( size!=end ) start = end = size; /* the host grew it for its own use */
    uintptr_t needed = ((uintptr_t)n - (end-start) + PAGE - 1) / PAGE;
    uintptr_t step = size/4<smallest ? smallest : size/4>largest ? largest : size/4;
    uintptr_t pages = step/PAGE>needed ? step/PAGE : needed;
    if( __builtin_wasm_memory_grow(0, pages)==(size_t)-1 ){
      pages = needed;
      if( __builtin_wasm_memory_grow(0, pages)==(size_t)-1 ){
        errno = ENOMEM;
        return (void*)-1;
      }
    }
    end += pages * PAGE;
  }
  uintptr_t piece = start;
  start += (uintptr_t)n;
  return (void*)piece;
}
