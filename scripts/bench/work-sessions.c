/* The workloads for sessions and changesets of work-sessions.ts in C. */
#include "work.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct Bytes { int n; void *p; } Bytes;

static int conflict(void *p, int e, sqlite3_changeset_iter *i){
  (void)p; (void)e; (void)i;
  return SQLITE_CHANGESET_ABORT;
}
static sqlite3_session *record(void){
  sqlite3_session *s;
  check(sqlite3session_create(db, "main", &s));
  check(sqlite3session_attach(s, 0));
  return s;
}
static Bytes taken(sqlite3_session *s){
  Bytes b;
  check(sqlite3session_changeset(s, &b.n, &b.p));
  sqlite3session_delete(s);
  return b;
}
/* The updated rows are inserted before the session starts, because the session would otherwise record them as
** inserted. */
static void filled(void){ openAt(":memory:", ""); insertSome(1, rows, 0); }
static void change(void){ insertSome(rows+1, rows, 0); update(); }

void sessions(void){
  double ms;
  filled();
  begin(); change(); ms = end(); report("plain", ms, content());
  check(sqlite3_close(db));
  filled();
  sqlite3_session *s = record();
  begin(); change(); ms = end(); report("captured", ms, content());
  begin(); Bytes b = taken(s); ms = end(); report("changeset", ms, hashed(HASH, b.p, b.n));
  check(sqlite3_close(db));
  filled();
  begin(); check(sqlite3changeset_apply(db, b.n, b.p, 0, conflict, 0)); ms = end(); report("apply", ms, content());
  sqlite3_free(b.p);
  check(sqlite3_close(db));
}

static void take(sqlite3_value *v){
  switch( v ? sqlite3_value_type(v) : SQLITE_NULL ){
    case SQLITE_INTEGER: sum += sqlite3_value_int64(v); break;
    case SQLITE_FLOAT: sum += sqlite3_value_double(v); break;
    case SQLITE_TEXT: sum += sqlite3_value_text(v)[0] + sqlite3_value_bytes(v); break;
  }
}
/* Reads all values of all changes. Each change adds a million to the sum. */
static void readValues(Bytes b){
  sqlite3_changeset_iter *p;
  sum = 0;
  check(sqlite3changeset_start(&p, b.n, b.p));
  while( sqlite3changeset_next(p)==SQLITE_ROW ){
    const char *zTab;
    int n, op, indirect;
    sqlite3_value *v;
    check(sqlite3changeset_op(p, &zTab, &n, &op, &indirect));
    for(int i=0; i<n; i++){
      if( op!=SQLITE_INSERT && sqlite3changeset_old(p, i, &v)==SQLITE_OK ) take(v);
      if( op!=SQLITE_DELETE && sqlite3changeset_new(p, i, &v)==SQLITE_OK ) take(v);
    }
    sum += 1e6;
  }
  check(sqlite3changeset_finalize(p));
}
void codec(void){
  Bytes made;
  double ms;
  filled();
  sqlite3_session *s = record();
  change();
  Bytes a = taken(s);
  s = record();
  exec("UPDATE t SET n = n + 2 WHERE id % 2 = 0; DELETE FROM t WHERE id % 5 = 0");
  Bytes b = taken(s);
  begin(); readValues(a); report("codecRead", end(), sum);
  begin(); check(sqlite3changeset_invert(a.n, a.p, &made.n, &made.p)); ms = end();
  report("codecInvert", ms, hashed(HASH, made.p, made.n));
  sqlite3_free(made.p);
  begin(); check(sqlite3changeset_concat(a.n, a.p, b.n, b.p, &made.n, &made.p)); ms = end();
  report("codecConcat", ms, hashed(HASH, made.p, made.n));
  sqlite3_free(made.p);
  sqlite3_free(a.p);
  sqlite3_free(b.p);
  check(sqlite3_close(db));
}

/* On Linux ru_maxrss is wrong, because it includes the peak of the parent process. */
static double peak(void){
  char line[256];
  double kb = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while( f && fgets(line, sizeof line, f) ) if( sscanf(line, "VmHWM: %lf", &kb)==1 ) break;
  if( f ) fclose(f);
  if( kb>0 ) return kb/1024;
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
#ifdef __APPLE__
  return use.ru_maxrss/1048576.0;
#else
  return use.ru_maxrss/1024.0;
#endif
}
typedef struct Output { FILE *f; unsigned h; } Output;
static int put(void *p, const void *a, int n){
  Output *o = p;
  o->h = (unsigned)hashed(o->h, a, n);
  return fwrite(a, 1, n, o->f)==(size_t)n ? SQLITE_OK : SQLITE_IOERR;
}
/* Captures ten times the rows with one statement in a file, and streams the changeset to another file. */
void stream(void){
  char name[4200], *zSql = sqlite3_mprintf("INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1"
    " FROM c LIMIT %d) SELECT i, i*7, 'the name of row number ' || i, i*0.5 FROM c", 10*rows);
  openAt(file, "PRAGMA journal_mode=DELETE");
  sqlite3_session *s = record();
  exec(zSql);
  snprintf(name, sizeof name, "%s.changeset", file);
  Output o = { fopen(name, "wb"), HASH };
  check(o.f ? sqlite3session_changeset_strm(s, put, &o) : SQLITE_CANTOPEN);
  fclose(o.f);
  report("peak", peak(), o.h);
  unlink(name);
  sqlite3_free(zSql);
  sqlite3session_delete(s);
  closeAll();
}

static void scaled(const char *zCapture, const char *zChangeset, const char *zApply, int count){
  double ms;
  openAt(":memory:", "");
  sqlite3_session *s = record();
  begin(); insertSome(1, count, 0); ms = end(); report(zCapture, ms*1e3/count, content());
  begin(); Bytes b = taken(s); ms = end(); report(zChangeset, ms*1e3/count, hashed(HASH, b.p, b.n));
  check(sqlite3_close(db));
  openAt(":memory:", "");
  begin(); check(sqlite3changeset_apply(db, b.n, b.p, 0, conflict, 0)); ms = end();
  report(zApply, ms*1e3/count, content());
  sqlite3_free(b.p);
  check(sqlite3_close(db));
}
void scale(void){
  scaled("capture1M", "changeset1M", "apply1M", 10*rows);
  scaled("capture5M", "changeset5M", "apply5M", 50*rows);
}
