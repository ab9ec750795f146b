/*
** Runs the C library for comparison:
**
**     transform invert IN          transform invert_strm IN
**     transform concat A B         transform concat_strm A B
**     transform group IN ...       transform read IN
**     transform rebase BUFFER ... IN
**     transform apply ACTION FLAGS DATABASE IN   ACTION answers every conflict; prints the rebase buffer
**
** Writes bytes to standard output; "error N" to standard error and status 1 if the library fails with N.
*/
#include "sqlite3.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Bytes { char *p; int n; int at; } Bytes;

static Bytes load(const char *zFile){
  Bytes b = {0, 0, 0};
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
static int input(void *p, void *pData, int *pn){
  Bytes *b = p;
  if( *pn>b->n-b->at ) *pn = b->n-b->at;
  memcpy(pData, b->p+b->at, *pn);
  b->at += *pn;
  return SQLITE_OK;
}
static int output(void *p, const void *pData, int n){
  (void)p;
  return fwrite(pData, 1, n, stdout)==(size_t)n ? SQLITE_OK : SQLITE_IOERR;
}
static int conflict(void *p, int kind, sqlite3_changeset_iter *pIter){
  int action = *(int*)p;
  (void)pIter;
  return action==SQLITE_CHANGESET_REPLACE && kind!=SQLITE_CHANGESET_DATA && kind!=SQLITE_CHANGESET_CONFLICT
    ? SQLITE_CHANGESET_OMIT : action;
}
static int finish(int rc, int n, void *p){
  if( rc!=SQLITE_OK ){
    fprintf(stderr, "error %d", rc);
    return 1;
  }
  if( n>0 ) output(0, p, n);
  return 0;
}

int main(int argc, char **argv){
  const char *zWhat = argc>2 ? argv[1] : "";
  Bytes a = argc>2 ? load(argv[argc-1]) : (Bytes){0, 0, 0};
  int rc = SQLITE_OK, n = 0;
  void *p = 0;
  if( !strcmp(zWhat, "invert") ){
    rc = sqlite3changeset_invert(a.n, a.p, &n, &p);
  }else if( !strcmp(zWhat, "invert_strm") ){
    rc = sqlite3changeset_invert_strm(input, &a, output, 0);
  }else if( !strncmp(zWhat, "concat", 6) ){
    Bytes first = load(argv[2]);
    rc = zWhat[6] ? sqlite3changeset_concat_strm(input, &first, input, &a, output, 0)
                  : sqlite3changeset_concat(first.n, first.p, a.n, a.p, &n, &p);
  }else if( !strcmp(zWhat, "group") ){
    sqlite3_changegroup *pGroup;
    rc = sqlite3changegroup_new(&pGroup);
    for(int i=2; rc==SQLITE_OK && i<argc; i++){
      Bytes b = load(argv[i]);
      rc = sqlite3changegroup_add(pGroup, b.n, b.p);
    }
    if( rc==SQLITE_OK ) rc = sqlite3changegroup_output(pGroup, &n, &p);
  }else if( !strcmp(zWhat, "rebase") ){
    sqlite3_rebaser *pRebaser;
    rc = sqlite3rebaser_create(&pRebaser);
    for(int i=2; rc==SQLITE_OK && i<argc-1; i++){
      Bytes b = load(argv[i]);
      rc = sqlite3rebaser_configure(pRebaser, b.n, b.p);
    }
    if( rc==SQLITE_OK ) rc = sqlite3rebaser_rebase(pRebaser, a.n, a.p, &n, &p);
  }else if( !strcmp(zWhat, "apply") ){
    sqlite3 *db;
    int action = atoi(argv[2]);
    rc = sqlite3_open(argv[4], &db);
    if( rc==SQLITE_OK ){
      sqlite3_exec(db, "PRAGMA foreign_keys=1", 0, 0, 0);
      rc = sqlite3changeset_apply_v2(db, a.n, a.p, 0, conflict, &action, &p, &n, atoi(argv[3]));
    }
    sqlite3_close(db);
  }else{
    return 2;
  }
  return finish(rc, n, p);
}
