/*
** Functions that JavaScript cannot replace: C callbacks that call the host, destructors, variadic functions, and
** functions that pass many values in one call.
*/
#include "host.h"
#include <string.h>
#include <wasm_simd128.h>
#include <time.h>

/* ---- Connections: the interrupt poll, shared with the caller's own progress handler --------------- */

#define POLL_STEPS 1000

typedef struct Progress {
  sqlite3 *db;
  int (*x)(void*);
  void *pArg;
  int nEvery;     /* steps between two calls of x; 0: x is not called */
  int nDone;      /* steps since the last call of x */
  int nStep;      /* steps between two polls */
} Progress;

void __real_sqlite3_progress_handler(sqlite3*, int, int(*)(void*), void*);
int __real_sqlite3_open_v2(const char*, sqlite3**, int, const char*);
int __real_sqlite3_open(const char*, sqlite3**);

static int poll(void *pArg){
  Progress *p = pArg;
  interrupts_poll();
  if( interrupts_end_statement() || hooks_stopping(p->db) ) return 1;
  if( p->x==0 ) return 0;
  p->nDone += p->nStep;
  if( p->nDone<p->nEvery ) return 0;
  p->nDone = 0;
  return p->x(p->pArg);
}

static void connectionOpened(sqlite3 *db){
  Progress *p = sqlite3_malloc(sizeof(*p));
  if( !p ) return;
  memset(p, 0, sizeof(*p));
  p->db = db;
  p->nStep = POLL_STEPS;
  if( sqlite3_set_clientdata(db, "progress", p, sqlite3_free) ) return;
  __real_sqlite3_progress_handler(db, POLL_STEPS, poll, p);
}

void __wrap_sqlite3_progress_handler(sqlite3 *db, int n, int (*x)(void*), void *pArg){
  Progress *p = sqlite3_get_clientdata(db, "progress");
  if( !p ){
    __real_sqlite3_progress_handler(db, n, x, pArg);
    return;
  }
  if( n<1 || x==0 ){ n = 0; x = 0; }
  p->x = x;
  p->pArg = pArg;
  p->nEvery = n;
  p->nDone = 0;
  p->nStep = n>0 && n<POLL_STEPS ? n : POLL_STEPS;
  __real_sqlite3_progress_handler(db, p->nStep, poll, p);
}

int __wrap_sqlite3_open_v2(const char *zFile, sqlite3 **pDb, int flags, const char *zVfs){
  int rc = __real_sqlite3_open_v2(zFile, pDb, flags, zVfs);
  if( rc==SQLITE_OK ) connectionOpened(*pDb);
  return rc;
}
int __wrap_sqlite3_open(const char *zFile, sqlite3 **pDb){
  return __wrap_sqlite3_open_v2(zFile, pDb, SQLITE_OPEN_READWRITE|SQLITE_OPEN_CREATE, 0);
}

int bridge_open(const char *zFile, sqlite3 **pDb, int flags, const char *zVfs){
  return __wrap_sqlite3_open_v2(zFile, pDb, flags, zVfs);
}

static void logged(void *pArg, int code, const char *zMessage){ host_log(code, zMessage); }

int bridge_watch_log(void){ return sqlite3_config(SQLITE_CONFIG_LOG, logged, 0); }

int bridge_stack(void){
  volatile char here;
  return (int)(size_t)&here;
}

static void destroyed(void *pId){ host_destroy((int)(size_t)pId); }

int bridge_watch_close(sqlite3 *db, int id){
  return sqlite3_set_clientdata(db, "host", (void*)(size_t)id, destroyed);
}

int bridge_db_config(sqlite3 *db, int op, int value, int *pState){
  return sqlite3_db_config(db, op, value, pState);
}

/* The linker cannot export a wrapped function from exports.txt, so this function calls it. */
int bridge_backup_step(sqlite3_backup *p, int nPage){ return sqlite3_backup_step(p, nPage); }

/* ---- Values ---------------------------------------------------------------------------------------- */

/* Writes a value as a Cell. Returns non-zero if memory ran out: SQLite then returns a null pointer, which must not be
** mistaken for an empty text. */
static int put(Cell *p, sqlite3_value *pValue){
  p->type = sqlite3_value_type(pValue);
  switch( p->type ){
    case SQLITE_INTEGER: p->value.integer = sqlite3_value_int64(pValue); break;
    case SQLITE_FLOAT: p->value.real = sqlite3_value_double(pValue); break;
    case SQLITE_TEXT:
      p->value.p = sqlite3_value_text(pValue);
      p->bytes = sqlite3_value_bytes(pValue);
      return p->value.p==0;
    case SQLITE_BLOB:
      p->value.p = sqlite3_value_blob(pValue);
      p->bytes = sqlite3_value_bytes(pValue);
      return p->value.p==0 && p->bytes>0;
  }
  return 0;
}

int bridge_values(int argc, sqlite3_value **argv, void *pOut){
  int failed = 0;
  for(int i=0; i<argc; i++) failed |= put((Cell*)pOut+i, argv[i]);
  return failed ? SQLITE_NOMEM : SQLITE_OK;
}

void bridge_result_int64(sqlite3_context *ctx, unsigned low, int high){
  sqlite3_result_int64(ctx, (sqlite3_int64)(((sqlite3_uint64)(unsigned)high<<32) | low));
}

/* ---- Functions ----------------------------------------------------------------------------------- */

static void called(sqlite3_context *ctx, int argc, sqlite3_value **argv){
  Cell aCell[argc+1];
  if( bridge_values(argc, argv, aCell) ) sqlite3_result_error_nomem(ctx);
  else if( host_function((int)(size_t)sqlite3_user_data(ctx), ctx, argc, aCell)==SQLITE_FLOAT ){
    sqlite3_result_double(ctx, aCell[0].value.real);
  }
}

int bridge_create_function(sqlite3 *db, const char *zName, int nArg, int flags, int id){
  return sqlite3_create_function_v2(db, zName, nArg, flags|SQLITE_UTF8, (void*)(size_t)id, called, 0, 0,
                                    destroyed);
}

void bridge_result_copy(sqlite3_context *ctx, const char *p, int n, int isText){
  if( isText ) sqlite3_result_text(ctx, p, n, SQLITE_TRANSIENT);
  else sqlite3_result_blob(ctx, p, n, SQLITE_TRANSIENT);
}
void bridge_result_text(sqlite3_context *ctx, char *p, double n){
  sqlite3_result_text64(ctx, p, (sqlite3_uint64)n, sqlite3_free, SQLITE_UTF8);
}
void bridge_result_blob(sqlite3_context *ctx, void *p, double n){
  sqlite3_result_blob64(ctx, p, (sqlite3_uint64)n, sqlite3_free);
}

/* ---- Statements ---------------------------------------------------------------------------------- */

int bridge_bind_text(sqlite3_stmt *pStmt, int i, const char *p, int n){
  return sqlite3_bind_text(pStmt, i, p, n, SQLITE_TRANSIENT);
}
int bridge_bind_blob(sqlite3_stmt *pStmt, int i, const void *p, int n){
  return sqlite3_bind_blob(pStmt, i, p, n, SQLITE_TRANSIENT);
}

static int bind(sqlite3_stmt *pStmt, int i, const Cell *p){
  switch( p->type ){
    case SQLITE_INTEGER: return sqlite3_bind_int64(pStmt, i, p->value.integer);
    case SQLITE_FLOAT: return sqlite3_bind_double(pStmt, i, p->value.real);
    case SQLITE_TEXT: return sqlite3_bind_text(pStmt, i, p->value.p, p->bytes, SQLITE_TRANSIENT);
    case KEPT_TEXT: return sqlite3_bind_text(pStmt, i, p->value.p, p->bytes, SQLITE_STATIC);
    case SQLITE_BLOB: return sqlite3_bind_blob(pStmt, i, p->value.p, p->bytes, SQLITE_TRANSIENT);
  }
  return sqlite3_bind_null(pStmt, i);
}

static int bindAll(sqlite3_stmt *pStmt, const Cell *a, int n){
  int rc = SQLITE_OK;
  for(int i=0; rc==SQLITE_OK && i<n; i++) rc = bind(pStmt, i+1, a+i);
  if( rc!=SQLITE_OK ) sqlite3_clear_bindings(pStmt); /* the bytes of kept texts are no longer those that were bound */
  return rc;
}

int bridge_run(sqlite3_stmt *pStmt, const void *pIn, int n, void *pOut){
  int rc = bindAll(pStmt, pIn, n);
  if( rc!=SQLITE_OK ) return rc;
  rc = sqlite3_step(pStmt);
  if( rc==SQLITE_DONE ){
    sqlite3 *db = sqlite3_db_handle(pStmt);
    ((sqlite3_int64*)pOut)[0] = sqlite3_changes64(db);
    ((sqlite3_int64*)pOut)[1] = sqlite3_last_insert_rowid(db);
    sqlite3_reset(pStmt);
  }
  return rc;
}

int bridge_row(sqlite3_stmt *pStmt, void *pOut){
  int n = sqlite3_data_count(pStmt);
  int failed = 0;
  for(int i=0; i<n; i++) failed |= put((Cell*)pOut+i, sqlite3_column_value(pStmt, i));
  return failed ? -1 : n;
}

int bridge_step_row(sqlite3_stmt *pStmt, const void *pIn, int n, void *pOut, int nCompiled){
  int rc = bindAll(pStmt, pIn, n);
  if( rc!=SQLITE_OK ) return rc;
  rc = sqlite3_step(pStmt);
  if( rc!=SQLITE_ROW || sqlite3_stmt_status(pStmt, SQLITE_STMTSTATUS_REPREPARE, 0)!=nCompiled ) return rc;
  return bridge_row(pStmt, pOut)<0 ? SQLITE_NOMEM : ROW_IN_CELLS;
}

/* Copies n bytes and returns whether they are ASCII. Most texts are short, for which memory.copy is a slow call. */
static int copyText(char *pTo, const char *z, int n){
  if( n>=16 ){
    v128_t bits = wasm_v128_load(z+n-16);
    wasm_v128_store(pTo+n-16, bits);
    for(int i=0; i<n-16; i+=16){
      v128_t part = wasm_v128_load(z+i);
      wasm_v128_store(pTo+i, part);
      bits = wasm_v128_or(bits, part);
    }
    return wasm_i8x16_bitmask(bits)==0;
  }
  unsigned char bits = 0;
  for(int i=0; i<n; i++){
    pTo[i] = z[i];
    bits |= (unsigned char)z[i];
  }
  return bits<0x80;
}

/* Moves the bytes of a text cell to *ppFrom, or those of a blob cell to just before *ppTo. Returns 0 if they do not fit
** between the two. */
static int move(Cell *p, char **ppFrom, char **ppTo){
  const char *z = p->value.p;
  int n = p->bytes;
  if( n>*ppTo-*ppFrom ) return 0;
  if( p->type==SQLITE_BLOB ){
    *ppTo -= n;
    memcpy(*ppTo, z, (size_t)n);
    p->value.p = *ppTo;
    return 1;
  }
  if( copyText(*ppFrom, z, n) ) p->type = ASCII_TEXT;
  p->value.p = *ppFrom;
  *ppFrom += n;
  return 1;
}

int bridge_rows(sqlite3_stmt *pStmt, RowBatch *pBatch, int nMost, int nRoom){
  int nCell = sqlite3_column_count(pStmt);
  Cell *pRow = (Cell*)(pBatch+1);
  char *pFrom = (char*)(pRow + nCell*nMost);
  char *pTo = pFrom+nRoom;
  char *pText = pFrom;
  int rc = SQLITE_ROW;
  pBatch->nRow = 0;
  pBatch->stands = 0;
  while( pBatch->nRow<nMost && (rc = sqlite3_step(pStmt))==SQLITE_ROW ){
    int isMoved = 1;
    if( bridge_row(pStmt, pRow)<0 ) return SQLITE_NOMEM;
    char *pBefore = pFrom;
    for(int i=0; isMoved && i<nCell; i++){
      if( pRow[i].type==SQLITE_TEXT || pRow[i].type==SQLITE_BLOB ) isMoved = move(pRow+i, &pFrom, &pTo);
    }
    if( !isMoved ){
      pFrom = pBefore;
      pBatch->stands = 1;
      break;
    }
    pRow += nCell;
    pBatch->nRow++;
  }
  pBatch->nText = (int)(pFrom-pText);
  return rc;
}

/* ---- Time: wasi-libc has no time zones ------------------------------------------------------------ */

struct tm *localtime_r(const time_t *restrict pTime, struct tm *restrict pOut){
  int a[9];
  if( host_localtime((double)*pTime, a) ) return 0;
  memset(pOut, 0, sizeof(*pOut));
  pOut->tm_sec = a[0];
  pOut->tm_min = a[1];
  pOut->tm_hour = a[2];
  pOut->tm_mday = a[3];
  pOut->tm_mon = a[4];
  pOut->tm_year = a[5];
  pOut->tm_wday = a[6];
  pOut->tm_yday = a[7];
  pOut->tm_isdst = a[8];
  return pOut;
}
struct tm *localtime(const time_t *pTime){
  static struct tm kept;
  return localtime_r(pTime, &kept);
}
