/*
** Measures the C library for the codec's bench:
**
**     measure read ROUNDS IN       every value of every change
**     measure invert ROUNDS IN
**     measure concat ROUNDS IN IN  the first, then the second
**
** Prints JSON: "ms" of each round; for reading also the number of changes and a sum of all values, which shows whether
** both programs read the same.
*/
#include "sqlite3.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Bytes { void *p; int n; } Bytes;

static Bytes load(const char *zFile){
  Bytes b = {0, 0};
  FILE *f = fopen(zFile, "rb");
  if( !f ) exit(2);
  fseek(f, 0, SEEK_END);
  b.n = (int)ftell(f);
  rewind(f);
  b.p = malloc(b.n+1);
  if( fread(b.p, 1, b.n, f)!=(size_t)b.n ) exit(2);
  fclose(f);
  return b;
}
static double now(void){
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec*1e3 + t.tv_nsec/1e6;
}

static int changes;
static double sum;

static void take(sqlite3_value *v){
  if( !v ) return;
  switch( sqlite3_value_type(v) ){
    case SQLITE_INTEGER: sum += sqlite3_value_int64(v); break;
    case SQLITE_FLOAT: sum += sqlite3_value_double(v); break;
    case SQLITE_TEXT: sum += sqlite3_value_text(v)[0] + sqlite3_value_bytes(v); break;
    case SQLITE_BLOB: sqlite3_value_blob(v); sum += sqlite3_value_bytes(v); break;
  }
}
static int readAll(Bytes b){
  sqlite3_changeset_iter *pIter;
  int rc = sqlite3changeset_start(&pIter, b.n, b.p);
  if( rc!=SQLITE_OK ) return rc;
  changes = 0;
  sum = 0;
  while( sqlite3changeset_next(pIter)==SQLITE_ROW ){
    const char *zTab;
    int nCol, op, indirect;
    sqlite3_value *v;
    sqlite3changeset_op(pIter, &zTab, &nCol, &op, &indirect);
    for(int i=0; i<nCol; i++){
      if( op!=SQLITE_INSERT && sqlite3changeset_old(pIter, i, &v)==SQLITE_OK ) take(v);
      if( op!=SQLITE_DELETE && sqlite3changeset_new(pIter, i, &v)==SQLITE_OK ) take(v);
    }
    changes++;
  }
  return sqlite3changeset_finalize(pIter);
}

int main(int argc, char **argv){
  if( argc<4 ) return 2;
  const char *zWhat = argv[1];
  Bytes a = load(argv[3]);
  Bytes b = argc>4 ? load(argv[4]) : (Bytes){0, 0};
  printf("{\"ms\":[");
  for(int i=0; i<atoi(argv[2]); i++){
    int rc, n = 0;
    void *p = 0;
    double start = now();
    if( !strcmp(zWhat, "invert") ) rc = sqlite3changeset_invert(a.n, a.p, &n, &p);
    else if( !strcmp(zWhat, "concat") ) rc = sqlite3changeset_concat(a.n, a.p, b.n, b.p, &n, &p);
    else rc = readAll(a);
    printf(i ? ",%.3f" : "%.3f", now()-start);
    sqlite3_free(p);
    if( rc!=SQLITE_OK ) return 1;
  }
  printf("],\"changes\":%d,\"sum\":%.17g}\n", changes, sum);
  return 0;
}
