/*
** Buffers of the shell's files: those of wasi-libc have 1 KiB, and each one that is full costs a call of the host.
** shell.c and terminal.c are compiled to call these functions instead of fopen and fclose. A terminal keeps its lines.
*/
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "buffers.h"

/* Of standard output less: a reader waits for it, and a process that is killed loses it. */
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
    return f; /* with a small one */
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
