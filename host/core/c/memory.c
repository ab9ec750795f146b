/* Grows the wasm memory in large steps, up to the heap limit. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include "host.h"

enum { PAGE = 65536 };
static const uintptr_t smallest = 1u << 20, largest = 64u << 20;

/* The memory that was added and not yet returned by sbrk. */
static uintptr_t start, end;

/* The start of the heap, defined by the linker, and the largest size of the heap. */
extern unsigned char __heap_base;
static uintptr_t most = UINTPTR_MAX;

sqlite3_int64 __real_sqlite3_hard_heap_limit64(sqlite3_int64 n);

/*
** SQLite is compiled without memory statistics, which it needs to enforce a heap limit. So this function limits the
** size of the whole heap, including free blocks.
*/
sqlite3_int64 __wrap_sqlite3_hard_heap_limit64(sqlite3_int64 n){
  sqlite3_int64 before = __real_sqlite3_hard_heap_limit64(n);
  sqlite3_int64 now = __real_sqlite3_hard_heap_limit64(-1);
  most = now>0 && now<(sqlite3_int64)UINTPTR_MAX ? (uintptr_t)now : UINTPTR_MAX;
  return before;
}

/*
** The sbrk of wasi-libc (sources/sbrk.c) grows the memory by exactly n bytes. Each growth makes V8 replace the
** ArrayBuffer and collect garbage. So this sbrk grows the memory by a quarter, at least 1 MiB and at most 64 MiB, and
** returns it in pieces.
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
    if( size!=end ) start = end = size; /* the host grew the memory for its own use */
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
    host_grown();
  }
  uintptr_t piece = start;
  start += (uintptr_t)n;
  return (void*)piece;
}
