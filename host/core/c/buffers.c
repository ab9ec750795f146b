/*
** Buffers of the shell's files: those of wasi-libc have 1 KiB, and each one that is full costs a call of the host.
** shell.c and terminal.c are compiled to call these functions instead of fopen and fclose. A terminal keeps its lines.
*/
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "buffers.h"

enum { SIZE = 65536 };

typedef struct Buffer {
  FILE *f;
  struct Buffer *pNext;
  char a[SIZE];
} Buffer;
static Buffer *buffers;

static int enlarge(FILE *f, char *a){
  return a && !isatty(fileno(f)) && setvbuf(f, a, _IOFBF, SIZE)==0;
}

void buffers_start(void){
  FILE *const streams[] = {stdin, stdout};
  for(int i=0; i<2; i++){
    char *a = malloc(SIZE);
    if( !enlarge(streams[i], a) ) free(a);
  }
}

FILE *buffers_open(const char *zFile, const char *zMode){
  FILE *f = fopen(zFile, zMode);
  Buffer *p = f ? malloc(sizeof(*p)) : 0;
  if( !p || !enlarge(f, p->a) ){
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
