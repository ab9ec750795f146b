/*
** Calls the host before the first step of a statement that changes the schema, and after it; also after a failure, a
** rollback or a commit, which may undo the change. SQLite's authorizer and trace callbacks are called too late: SQLite
** creates no changeset inside them.
**
** Statements that SQLite runs internally, such as those that create a virtual table's shadow tables, do not pass
** through this file.
*/
#include "host.h"
#include <string.h>

/* A connection with a capture. inside is set while the host runs, or a statement about which the host was told. */
typedef struct Capture {
  sqlite3 *db;
  int id;
  int inside;
  int changed;  /* the open transaction changed the schema, so a rollback frees the schema */
  struct Capture *pNext;
} Capture;

static Capture *captures;

int __real_sqlite3_step(sqlite3_stmt*);
int __real_sqlite3_exec(sqlite3*, const char*, int(*)(void*,int,char**,char**), void*, char**);

static Capture **find(sqlite3 *db){
  Capture **pp = &captures;
  while( *pp && (*pp)->db!=db ) pp = &(*pp)->pNext;
  return pp;
}

int bridge_capture(sqlite3 *db, int id){
  Capture **pp = find(db), *p = *pp;
  if( id==0 ){
    if( p ){ *pp = p->pNext; sqlite3_free(p); }
    return SQLITE_OK;
  }
  if( p==0 ){
    p = sqlite3_malloc(sizeof(*p));
    if( p==0 ) return SQLITE_NOMEM;
    memset(p, 0, sizeof(*p));
    p->db = db;
    *pp = p;
  }
  p->id = id;
  return SQLITE_OK;
}

/* Returns the first keyword: skips spaces, comments, semicolons and byte order marks, as SQLite does. */
static const char *firstWord(const char *z){
  for(;;){
    if( *z==' ' || (*z>='\t' && *z<='\r') || *z==';' ) z++;
    else if( strncmp(z, "\xef\xbb\xbf", 3)==0 ) z += 3;
    else if( z[0]=='-' && z[1]=='-' ){ while( *z && *z!='\n' ) z++; }
    else if( z[0]=='/' && z[1]=='*' ){
      const char *zEnd = strstr(z+2, "*/");
      if( zEnd==0 ) return "";
      z = zEnd + 2;
    }
    else return z;
  }
}

/* ANALYZE creates its tables if they do not exist; VACUUM changes the schema version. */
static int kindOf(const char *zSql){
  static const struct { const char *zWord; int kind; } aWord[] = {
    {"create", CAPTURE_SCHEMA}, {"alter", CAPTURE_SCHEMA}, {"drop", CAPTURE_SCHEMA},
    {"analyze", CAPTURE_SCHEMA}, {"vacuum", CAPTURE_SCHEMA}, {"rollback", CAPTURE_ROLLBACK},
  };
  const char *z = firstWord(zSql ? zSql : "");
  for(size_t i=0; i<sizeof(aWord)/sizeof(aWord[0]); i++){
    if( (*z|0x20)!=aWord[i].zWord[0] ) continue;
    if( sqlite3_strnicmp(z, aWord[i].zWord, (int)strlen(aWord[i].zWord))==0 ) return aWord[i].kind;
  }
  return CAPTURE_OTHER;
}

/* Whether a statement is a PRAGMA that makes SQLite read the schema again. */
static int resetsSchema(const char *zSql){
  const char *z = firstWord(zSql ? zSql : "");
  return sqlite3_strnicmp(z, "pragma", 6)==0 && sqlite3_strlike("%schema_version%", z, 0)==0;
}

/* Whether a statement may write to sqlite_schema directly. */
static int editsSchema(sqlite3 *db, sqlite3_stmt *pStmt){
  int on = 0;
  return !sqlite3_stmt_readonly(pStmt)
      && sqlite3_db_config(db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, -1, &on)==SQLITE_OK && on;
}

/* The statements that are being stepped, the innermost first. They nest because a function called by a statement may
** step another statement. */
typedef struct Step {
  sqlite3_stmt *pStmt;
  struct Step *pOuter;
} Step;
static Step *steps;

sqlite3 *captures_stepping(void){ return steps ? sqlite3_db_handle(steps->pStmt) : 0; }

static int realStep(sqlite3_stmt *pStmt){
  Step step = { pStmt, steps };
  int rc;
  steps = &step;
  rc = __real_sqlite3_step(pStmt);
  steps = step.pOuter;
  return rc;
}

/* Whether a step of a writing statement on db has not returned yet. */
static int isWriting(sqlite3 *db){
  for(Step *p=steps; p; p=p->pOuter){
    if( sqlite3_db_handle(p->pStmt)==db && !sqlite3_stmt_readonly(p->pStmt) ) return 1;
  }
  return 0;
}

static const char zLocked[] =
  "cannot change the schema inside a statement that writes while a session or capture records: change it before or after";

/* PRAGMA writable_schema=RESET, and EXPLAIN of it, frees the schema when it is compiled. */
static int resetsWhenCompiled(sqlite3 *db, const char *zSql, int nByte){
  Capture *p = captures ? *find(db) : 0;
  char *zText;
  const char *z;
  int resets;
  if( zSql==0 || p==0 || p->inside || !isWriting(db) ) return 0;
  zText = nByte<0 ? sqlite3_mprintf("%s", zSql) : sqlite3_mprintf("%.*s", nByte, zSql);
  if( zText==0 ) return 1;
  z = firstWord(zText);
  resets = (sqlite3_strnicmp(z, "pragma", 6)==0 || sqlite3_strnicmp(z, "explain", 7)==0)
      && sqlite3_strlike("%writable_schema%", z, 0)==0 && sqlite3_strlike("%reset%", z, 0)==0;
  sqlite3_free(zText);
  return resets;
}

static int capturedStep(sqlite3_stmt *pStmt){
  Capture *p;
  sqlite3 *db;
  int kind = CAPTURE_OTHER, open, rc;
  if( captures==0 ) return realStep(pStmt);
  db = sqlite3_db_handle(pStmt);
  p = *find(db);
  if( p==0 || p->inside ) return realStep(pStmt);
  if( !sqlite3_stmt_busy(pStmt) && !sqlite3_stmt_isexplain(pStmt) ){
    kind = kindOf(sqlite3_sql(pStmt));
    if( kind==CAPTURE_OTHER && editsSchema(db, pStmt) ) kind = CAPTURE_SCHEMA;
  }
  if( sqlite3_get_autocommit(db) ) p->changed = 0;
  /* If the schema were changed here, the session extension would read freed memory for the table that the outer
  ** statement writes. And if the outer statement failed, SQLite would undo the change without reporting it. */
  if( (kind==CAPTURE_SCHEMA || (kind==CAPTURE_ROLLBACK && p->changed)
       || (!sqlite3_stmt_busy(pStmt) && steps && resetsSchema(sqlite3_sql(pStmt)))) && isWriting(db) ){
    sqlite3_set_errmsg(db, SQLITE_LOCKED, zLocked);
    return SQLITE_LOCKED;
  }
  open = !sqlite3_get_autocommit(db);
  if( kind==CAPTURE_SCHEMA ){
    p->inside = 1;
    host_capture_before(p->id, pStmt);
  }
  rc = realStep(pStmt);
  p = *find(db);  /* a callback may have ended the capture */
  if( p==0 ) return rc;
  if( kind==CAPTURE_SCHEMA && !sqlite3_get_autocommit(db) ) p->changed = 1;
  if( kind!=CAPTURE_OTHER || (rc!=SQLITE_ROW && rc!=SQLITE_DONE) || (open && sqlite3_get_autocommit(db)) ){
    p->inside = 1;
    host_capture_after(p->id, pStmt, kind, rc);
    p = *find(db);
    if( p ) p->inside = 0;
  }
  return rc;
}

/* A copy of sqlite3_exec that calls the wrapped sqlite3_step. SQLite's own calls its internal one. */
static int capturedExec(sqlite3 *db, const char *zSql, int (*x)(void*,int,char**,char**), void *pArg, char **pzErr){
  sqlite3_stmt *pStmt = 0;
  char **az = 0;
  int rc = SQLITE_OK;
  if( zSql==0 ) zSql = "";
  while( rc==SQLITE_OK && zSql[0] ){
    int nCol, first = 1;
    rc = sqlite3_prepare_v2(db, zSql, -1, &pStmt, &zSql);
    if( rc!=SQLITE_OK ) break;
    if( pStmt==0 ) continue;  /* a comment */
    nCol = sqlite3_column_count(pStmt);
    for(;;){
      rc = sqlite3_step(pStmt);
      if( rc!=SQLITE_ROW || x==0 ){
        if( rc!=SQLITE_ROW ) break;
        continue;
      }
      if( first ){
        az = sqlite3_malloc64(sizeof(char*)*(2*(sqlite3_uint64)nCol+1));
        if( az==0 ){ rc = SQLITE_NOMEM; break; }
        for(int i=0; i<nCol; i++) az[nCol+i] = (char*)sqlite3_column_name(pStmt, i);
        first = 0;
      }
      for(int i=0; i<nCol; i++) az[i] = (char*)sqlite3_column_text(pStmt, i);
      if( x(pArg, nCol, az, az+nCol) ){ rc = SQLITE_ABORT; break; }
    }
    sqlite3_free(az);
    az = 0;
    if( rc==SQLITE_ABORT || rc==SQLITE_NOMEM ) sqlite3_finalize(pStmt);
    else{
      int rcStep = rc;
      rc = sqlite3_finalize(pStmt);
      if( rc==SQLITE_OK && rcStep!=SQLITE_ROW && rcStep!=SQLITE_DONE ) rc = rcStep; /* the statement did not begin */
    }
    pStmt = 0;
    while( *zSql==' ' || (*zSql>='\t' && *zSql<='\r') ) zSql++;
  }
  if( pzErr ) *pzErr = rc==SQLITE_OK ? 0 : sqlite3_mprintf("%s", sqlite3_errmsg(db));
  return rc;
}

int __real_sqlite3_prepare_v2(sqlite3*, const char*, int, sqlite3_stmt**, const char**);
int __real_sqlite3_prepare_v3(sqlite3*, const char*, int, unsigned int, sqlite3_stmt**, const char**);

static int refusePrepare(sqlite3 *db, sqlite3_stmt **ppStmt, const char *zSql, const char **pzTail){
  *ppStmt = 0;
  if( pzTail ) *pzTail = zSql;
  sqlite3_set_errmsg(db, SQLITE_LOCKED, zLocked);
  return SQLITE_LOCKED;
}

int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *zSql, int n, sqlite3_stmt **ppStmt, const char **pzTail){
  if( steps && resetsWhenCompiled(db, zSql, n) ) return refusePrepare(db, ppStmt, zSql, pzTail);
  return __real_sqlite3_prepare_v2(db, zSql, n, ppStmt, pzTail);
}

/* The linker cannot export wrapped functions from exports.txt. */
EXPORT(sqlite3_prepare_v3) int __wrap_sqlite3_prepare_v3(
  sqlite3 *db, const char *zSql, int n, unsigned int flags, sqlite3_stmt **ppStmt, const char **pzTail
){
  if( steps && resetsWhenCompiled(db, zSql, n) ) return refusePrepare(db, ppStmt, zSql, pzTail);
  return __real_sqlite3_prepare_v3(db, zSql, n, flags, ppStmt, pzTail);
}
EXPORT(sqlite3_step) int __wrap_sqlite3_step(sqlite3_stmt *pStmt){ return hooks_step(pStmt, capturedStep); }
EXPORT(sqlite3_exec) int __wrap_sqlite3_exec(
  sqlite3 *db, const char *zSql, int (*x)(void*,int,char**,char**), void *pArg, char **pzErr
){
  if( (captures==0 || *find(db)==0) && !hooks_watch(db) ) return __real_sqlite3_exec(db, zSql, x, pArg, pzErr);
  return capturedExec(db, zSql, x, pArg, pzErr);
}
