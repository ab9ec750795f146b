/* Reads every value of every change of a changeset, as the native library does: for the codec's bench. */
#include "sqlite3.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void){
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec*1e3 + t.tv_nsec/1e6;
}

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

int main(int argc, char **argv){
  FILE *f = fopen(argv[1], "rb");
  fseek(f, 0, SEEK_END);
  long n = ftell(f);
  rewind(f);
  char *p = malloc(n);
  if( argc<2 || fread(p, 1, n, f)!=(size_t)n ) return 1;
  double best = 1e9;
  int changes = 0;
  for(int round=0; round<15; round++){
    double start = now();
    sqlite3_changeset_iter *it;
    sqlite3changeset_start(&it, (int)n, p);
    changes = 0;
    sum = 0;
    while( sqlite3changeset_next(it)==SQLITE_ROW ){
      const char *zTab; int nCol, op, indirect; sqlite3_value *v;
      sqlite3changeset_op(it, &zTab, &nCol, &op, &indirect);
      for(int i=0; i<nCol; i++){
        if( op!=SQLITE_INSERT && sqlite3changeset_old(it, i, &v)==SQLITE_OK ) take(v);
        if( op!=SQLITE_DELETE && sqlite3changeset_new(it, i, &v)==SQLITE_OK ) take(v);
      }
      changes++;
    }
    sqlite3changeset_finalize(it);
    double spent = now() - start;
    if( spent<best ) best = spent;
  }
  printf("{\"ms\":%.3f,\"changes\":%d,\"sum\":%.17g}\n", best, changes, sum);
  return 0;
}
