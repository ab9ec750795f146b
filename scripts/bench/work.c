/*
** The works of work.ts against the C library: work GROUP FOLDER REPETITIONS prints one line of JSON for each repetition.
*/
#include "sqlite3.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROWS 100000

static sqlite3 *db;
static char file[4096];
static int printed;

static double now(void){
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec*1e3 + t.tv_nsec/1e6;
}
static void check(int rc){
  if( rc==SQLITE_OK || rc==SQLITE_ROW || rc==SQLITE_DONE ) return;
  fprintf(stderr, "%s\n", db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
  exit(1);
}
static void exec(const char *zSql){ check(sqlite3_exec(db, zSql, 0, 0, 0)); }
static sqlite3_stmt *prepare(const char *zSql){
  sqlite3_stmt *p;
  check(sqlite3_prepare_v2(db, zSql, -1, &p, 0));
  return p;
}
static double started;
static void begin(void){ started = now(); }
static void end(const char *zName){
  printf("%s\"%s\":%.3f", printed++ ? "," : "{", zName, now()-started);
}
static void openAt(const char *zPath, const char *zMode){
  check(sqlite3_open(zPath, &db));
  exec("PRAGMA page_size=4096; PRAGMA cache_size=-16000; PRAGMA synchronous=FULL");
  exec(zMode);
  exec("CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, name TEXT, x REAL)");
}
static void closeFile(void){
  char name[4200];
  check(sqlite3_close(db));
  unlink(file);
  snprintf(name, sizeof name, "%s-wal", file); unlink(name);
  snprintf(name, sizeof name, "%s-shm", file); unlink(name);
}

static void insertSome(int from, int count, int each){
  char text[64];
  sqlite3_stmt *p = prepare("INSERT INTO t VALUES(?, ?, ?, ?)");
  if( !each ) exec("BEGIN");
  for(int i=from; i<from+count; i++){
    int n = snprintf(text, sizeof text, "the name of row number %d", i);
    check(sqlite3_bind_double(p, 1, i));
    check(sqlite3_bind_double(p, 2, i*7));
    check(sqlite3_bind_text(p, 3, text, n, SQLITE_TRANSIENT));
    check(sqlite3_bind_double(p, 4, i*0.5));
    check(sqlite3_step(p));
    sqlite3_reset(p);
  }
  if( !each ) exec("COMMIT");
  sqlite3_finalize(p);
}
static double sum;
static void row(sqlite3_stmt *p){
  sum += sqlite3_column_int64(p, 0) + sqlite3_column_int64(p, 1) + sqlite3_column_double(p, 3);
  char *z = malloc(sqlite3_column_bytes(p, 2)+1); /* a row is the caller's */
  memcpy(z, sqlite3_column_text(p, 2), sqlite3_column_bytes(p, 2)+1);
  sum += z[0];
  free(z);
}
static void getSome(int count){
  sqlite3_stmt *p = prepare("SELECT * FROM t WHERE id = ?");
  for(int i=0; i<count; i++){
    check(sqlite3_bind_double(p, 1, 1 + (double)(i*7919LL % ROWS)));
    check(sqlite3_step(p));
    row(p);
    sqlite3_reset(p);
  }
  sqlite3_finalize(p);
}
static void all(void){
  sqlite3_stmt *p = prepare("SELECT * FROM t");
  while( sqlite3_step(p)==SQLITE_ROW ) row(p);
  sqlite3_finalize(p);
}
static void update(void){
  sqlite3_stmt *p = prepare("UPDATE t SET n = n + 1, x = ? WHERE id = ?");
  exec("BEGIN");
  for(int i=1; i<=ROWS; i++){
    check(sqlite3_bind_double(p, 1, i*0.25));
    check(sqlite3_bind_double(p, 2, i));
    check(sqlite3_step(p));
    sqlite3_reset(p);
  }
  exec("COMMIT");
  sqlite3_finalize(p);
}

static void memory(void){
  openAt(":memory:", "");
  begin(); insertSome(1, ROWS, 0); end("insert");
  begin(); getSome(ROWS); end("get");
  begin(); all(); end("all");
  begin(); all(); end("iterate");
  check(sqlite3_close(db));
}
static void files(void){
  openAt(file, "PRAGMA journal_mode=DELETE");
  begin(); insertSome(1, ROWS, 0); end("insert");
  exec("BEGIN");
  begin(); getSome(ROWS); end("get");
  exec("COMMIT");
  begin(); getSome(10000); end("autocommitGet");
  begin(); insertSome(ROWS+1, 200, 1); end("commit");
  closeFile();
  openAt(file, "PRAGMA journal_mode=WAL");
  begin(); insertSome(1, ROWS, 0); end("walInsert");
  begin(); getSome(10000); end("walGet");
  begin(); insertSome(ROWS+1, 200, 1); end("walCommit");
  closeFile();
}
static int conflict(void *p, int e, sqlite3_changeset_iter *i){
  (void)p; (void)e; (void)i;
  return SQLITE_CHANGESET_ABORT;
}
static void sessions(void){
  sqlite3_session *s;
  int n;
  void *p;
  openAt(":memory:", ""); insertSome(1, ROWS, 0);
  begin(); insertSome(ROWS+1, ROWS, 0); update(); end("plain");
  check(sqlite3_close(db));
  openAt(":memory:", ""); insertSome(1, ROWS, 0);
  check(sqlite3session_create(db, "main", &s));
  check(sqlite3session_attach(s, 0));
  begin(); insertSome(ROWS+1, ROWS, 0); update(); end("captured");
  begin(); check(sqlite3session_changeset(s, &n, &p)); end("changeset");
  sqlite3session_delete(s);
  check(sqlite3_close(db));
  openAt(":memory:", ""); insertSome(1, ROWS, 0);
  begin(); check(sqlite3changeset_apply(db, n, p, 0, conflict, 0)); end("apply");
  sqlite3_free(p);
  check(sqlite3_close(db));
}

int main(int argc, char **argv){
  if( argc<4 ) return 1;
  snprintf(file, sizeof file, "%s/native.db", argv[2]);
  for(int i=atoi(argv[3]); i>0; i--){
    printed = 0;
    if( strcmp(argv[1], "memory")==0 ) memory();
    else if( strcmp(argv[1], "files")==0 ) files();
    else if( strcmp(argv[1], "sessions")==0 ) sessions();
    printf("}\n");
  }
  return sum==0 && strcmp(argv[1], "sessions")!=0;
}
