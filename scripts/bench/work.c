/*
** The workloads of work.ts in C. `work GROUP FOLDER REPETITIONS ROWS` prints a line of JSON for each repetition, with a
** time and a proof for each workload. The proof must be the same in all programs.
*/
#include "work.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

sqlite3 *db;
char file[4096];
int rows = 100000;
double sum;
static int printed;
static double started;

static double now(void){
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec*1e3 + t.tv_nsec/1e6;
}
void check(int rc){
  if( rc==SQLITE_OK || rc==SQLITE_ROW || rc==SQLITE_DONE ) return;
  fprintf(stderr, "%s\n", db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
  exit(1);
}
void exec(const char *zSql){ check(sqlite3_exec(db, zSql, 0, 0, 0)); }
sqlite3_stmt *prepare(const char *zSql){
  sqlite3_stmt *p;
  check(sqlite3_prepare_v2(db, zSql, -1, &p, 0));
  return p;
}
double number(const char *zSql){
  sqlite3_stmt *p = prepare(zSql);
  check(sqlite3_step(p));
  double r = sqlite3_column_double(p, 0);
  sqlite3_finalize(p);
  return r;
}
double content(void){
  return number("SELECT count(*) + sum(id) + sum(n) + sum(x) + sum(length(name)) FROM t");
}
double hashed(unsigned h, const unsigned char *a, int n){
  for(int i=0; i<n; i++) h = (h ^ a[i]) * 16777619u;
  return h;
}
void begin(void){ started = now(); }
double end(void){ return now() - started; }
void report(const char *zName, double value, double proof){
  printf("%s\"%s\":[%.4f,%.17g]", printed++ ? "," : "{", zName, value, proof);
}
void openAt(const char *zPath, const char *zMode){
  check(sqlite3_open(zPath, &db));
  exec("PRAGMA page_size=4096; PRAGMA cache_size=-16000; PRAGMA synchronous=FULL");
  exec(zMode);
  exec("CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, name TEXT, x REAL)");
}
void closeAll(void){
  char name[4200];
  check(sqlite3_close(db));
  unlink(file);
  snprintf(name, sizeof name, "%s-wal", file); unlink(name);
  snprintf(name, sizeof name, "%s-shm", file); unlink(name);
}

void insertSome(int from, int count, int each){
  char text[64];
  sqlite3_stmt *p = prepare("INSERT INTO t VALUES(?, ?, ?, ?)");
  if( !each ) exec("BEGIN");
  for(int i=from; i<from+count; i++){
    int n = snprintf(text, sizeof text, "the name of row number %d", i);
    check(sqlite3_bind_int64(p, 1, i));
    check(sqlite3_bind_int64(p, 2, i*7LL));
    check(sqlite3_bind_text(p, 3, text, n, SQLITE_TRANSIENT));
    check(sqlite3_bind_double(p, 4, i*0.5));
    check(sqlite3_step(p));
    sqlite3_reset(p);
  }
  if( !each ) exec("COMMIT");
  sqlite3_finalize(p);
}
void update(void){
  sqlite3_stmt *p = prepare("UPDATE t SET n = n + 1, x = ? WHERE id = ?");
  exec("BEGIN");
  for(int i=1; i<=rows; i++){
    check(sqlite3_bind_double(p, 1, i*0.25));
    check(sqlite3_bind_int64(p, 2, i));
    check(sqlite3_step(p));
    sqlite3_reset(p);
  }
  exec("COMMIT");
  sqlite3_finalize(p);
}
/* Copies the text of a row, as a JavaScript program does. */
static void row(sqlite3_stmt *p){
  int n = sqlite3_column_bytes(p, 2);
  char *z = malloc(n+1);
  memcpy(z, sqlite3_column_text(p, 2), n+1);
  sum += sqlite3_column_int64(p, 0) + sqlite3_column_int64(p, 1) + strlen(z) + sqlite3_column_double(p, 3);
  free(z);
}
static void getSome(int count){
  sqlite3_stmt *p = prepare("SELECT * FROM t WHERE id = ?");
  sum = 0;
  for(int i=0; i<count; i++){
    check(sqlite3_bind_int64(p, 1, 1 + (i*7919LL % rows)));
    check(sqlite3_step(p));
    row(p);
    sqlite3_reset(p);
  }
  sqlite3_finalize(p);
}

static void version(void){ report("version", sqlite3_libversion_number(), 1); }
static void memory(void){
  double ms;
  openAt(":memory:", "");
  begin(); insertSome(1, rows, 0); ms = end(); report("insert", ms, content());
  begin(); getSome(rows); report("get", end(), sum);
  check(sqlite3_close(db));
}
static void files(void){
  double ms;
  openAt(file, "PRAGMA journal_mode=DELETE");
  begin(); insertSome(1, rows, 0); ms = end(); report("insertFile", ms, content());
  exec("BEGIN");
  begin(); getSome(rows); report("getFile", end(), sum);
  exec("COMMIT");
  begin(); getSome(rows/10); report("read", end(), sum);
  begin(); insertSome(rows+1, rows/500, 1); ms = end(); report("commit", ms, content());
  closeAll();
  openAt(file, "PRAGMA journal_mode=WAL");
  insertSome(1, rows, 0);
  begin(); getSome(rows/10); report("walRead", end(), sum);
  begin(); insertSome(rows+1, rows/500, 1); ms = end(); report("walCommit", ms, content());
  closeAll();
}

/* Inserts ten times the rows with one statement. */
static double fill(void){
  char *zSql = sqlite3_mprintf("INSERT INTO r WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c LIMIT %d)"
    " SELECT i, i*7, 'the name of row number ' || i, i*0.5, i%%1000 FROM c", 10*rows);
  check(sqlite3_open(":memory:", &db));
  exec("PRAGMA page_size=4096; PRAGMA cache_size=-16000;"
    "CREATE TABLE r(id INTEGER PRIMARY KEY, n INTEGER, name TEXT, x REAL, y INTEGER)");
  begin(); exec(zSql);
  double ms = end();
  sqlite3_free(zSql);
  return ms;
}
static void plusOne(sqlite3_context *p, int n, sqlite3_value **a){
  (void)n;
  sqlite3_result_int64(p, sqlite3_value_int64(a[0]) + 1);
}
static void engine(void){
  double ms = fill(), r;
  report("insertSelect", ms, number("SELECT count(*) + sum(id) + sum(n) + sum(x) + sum(y) FROM r"));
  begin(); r = number("SELECT sum(n) + sum(length(name)) + sum(x) FROM r"); report("scan", end(), r);
  begin();
  r = number("SELECT sum(place % 7 * id) FROM"
    " (SELECT id, row_number() OVER (ORDER BY n * 7919 % 1000003, name) AS place FROM r)");
  report("sort", end(), r);
  check(sqlite3_close(db));
}
/* Measures the time of a call in microseconds, over ten passes of the rows. */
static void calls(void){
  double bare, r = 0;
  openAt(":memory:", "");
  insertSome(1, rows, 0);
  check(sqlite3_create_function(db, "f", 1, SQLITE_UTF8, 0, plusOne, 0, 0));
  begin(); for(int i=0; i<10; i++) number("SELECT sum(id + 1) FROM t"); bare = end();
  begin(); for(int i=0; i<10; i++) r = number("SELECT sum(f(id)) FROM t");
  report("call", (end() - bare)*100/rows, r);
  check(sqlite3_close(db));
}
static void readAll(void){
  sqlite3_stmt *p = prepare("SELECT * FROM r");
  sum = 0;
  while( sqlite3_step(p)==SQLITE_ROW ){ row(p); sum += sqlite3_column_int64(p, 4); }
  sqlite3_finalize(p);
}
static void wholeRows(void){
  fill();
  begin(); readAll(); report("all", end(), sum);
  begin(); readAll(); report("iterate", end(), sum);
  check(sqlite3_close(db));
}

int main(int argc, char **argv){
  static const struct { const char *zName; void (*x)(void); } groups[] = {
    { "version", version }, { "memory", memory }, { "files", files }, { "engine", engine }, { "calls", calls }, { "rows", wholeRows },
    { "sessions", sessions }, { "codec", codec }, { "stream", stream }, { "scale", scale },
  };
  if( argc<4 ) return 2;
  snprintf(file, sizeof file, "%s/native-%d.db", argv[2], getpid());
  if( argc>4 ) rows = atoi(argv[4]);
  for(unsigned g=0; g<sizeof groups/sizeof *groups; g++){
    if( strcmp(argv[1], groups[g].zName)!=0 ) continue;
    for(int i=atoi(argv[3]); i>0; i--){
      printed = 0;
      groups[g].x();
      printf("}\n");
    }
    return 0;
  }
  return 2;
}
