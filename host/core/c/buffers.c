/*
** Larger buffers for the shell's files. The buffers of wasi-libc have 1 KiB, and writing or filling a buffer calls the
** host. shell.c and terminal.c are compiled to call these functions instead of fopen and fclose. A terminal keeps its
** line buffer.
*/
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "buffers.h"

/* The buffer of standard output is smaller, because a reader waits for it, and a killed process loses its content. */
enum { SIZE = 65536, OUTPUT_SIZE = 16384 };

typedef struct Buffer {
  FILE *f;
  struct Buffer *pNext;
  char a[SIZE];
} Buffer;
static Buffer *buffers;

static int enlarge(FILE *f, char *a, size_t n){
  return a && !isatty(fileno(f)) && setvbuf(f, a, _IOFBF, n)==0;
}

void buffers_start(void){
  char *aIn = malloc(SIZE), *aOut = malloc(OUTPUT_SIZE);
  if( !enlarge(stdin, aIn, SIZE) ) free(aIn);
  if( !enlarge(stdout, aOut, OUTPUT_SIZE) ) free(aOut);
}

FILE *buffers_open(const char *zFile, const char *zMode){
  FILE *f = fopen(zFile, zMode);
  Buffer *p = f ? malloc(sizeof(*p)) : 0;
  if( !p || !enlarge(f, p->a, SIZE) ){
    free(p);
    return f; /* with the small buffer of wasi-libc */
  }
  p->f = f;
  p->pNext = buffers;
  buffers = p;
  return f;
}

int buffers_close(FILE *f){
  Buffer **pp = &buffers;
  while( *pp && (*pp)->f!=f ) pp = &(*pp)->pNext;
  Buffer *p = *pp;
  if( p ) *pp = p->pNext;
  int rc = fclose(f); /* writes the buffer */
  free(p);
  return rc;
}
