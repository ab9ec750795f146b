/*
** SQLite has one slot for each hook of a connection. If the host needs a hook, it takes the slot and then calls the
** hook that the shell or a program has set. This file also has the collations.
**
** Some callbacks cannot return an error to SQLite. If such a callback fails, it poisons the connection: the running
** statement fails, and every commit fails until the transaction is rolled back.
*/
#include "host.h"
#include <stddef.h>
#include <string.h>

typedef int (*Authorizer)(void*, int, const char*, const char*, const char*, const char*);
typedef void (*Updated)(void*, int, const char*, const char*, sqlite3_int64);
typedef int (*Logged)(void*, sqlite3*, const char*, int);

typedef struct Hooks {
  sqlite3 *db;
  int id;           /* the id that the host gave; 0: none yet */
  int front;        /* 1<<HOOK_...: the slots in which the host is in front */
  /* The hooks of the shell or a program. */
  Authorizer xAuthorize; void *pAuthorize;
  int (*xCommit)(void*); void *pCommit;
  void (*xRollback)(void*); void *pRollback;
  Updated xUpdate; void *pUpdate;
  Logged xWal; void *pWal;
  int nCheckpoint;  /* pages in the WAL that start a checkpoint if xWal is 0; 0: never */
  int logging;      /* the host has taken the slot of the WAL hook */

  char *zFault;     /* why the connection is or was poisoned */
  int nFault;       /* counts the faults */
  int poisoned;     /* every commit fails */
  int refused;      /* a commit failed since this was last reset */
  int stopping;     /* the running statement must end */
  int nStep;        /* calls of sqlite3_step that have not returned */
  sqlite3_stmt *pFailed; /* the last statement that failed because of zFault, until it is reset or finalized */
  int rcFailed;
  struct Hooks *pNext;
} Hooks;

static Hooks *all;

int __real_sqlite3_set_authorizer(sqlite3*, Authorizer, void*);
void *__real_sqlite3_commit_hook(sqlite3*, int(*)(void*), void*);
void *__real_sqlite3_rollback_hook(sqlite3*, void(*)(void*), void*);
void *__real_sqlite3_update_hook(sqlite3*, Updated, void*);
void *__real_sqlite3_wal_hook(sqlite3*, Logged, void*);
int __real_sqlite3_wal_autocheckpoint(sqlite3*, int);
int __real_sqlite3_reset(sqlite3_stmt*);
int __real_sqlite3_finalize(sqlite3_stmt*);

static Hooks *hooksOf(sqlite3 *db){
  Hooks *p = all;
  while( p && p->db!=db ) p = p->pNext;
  return p;
}

static int inFront(const Hooks *p, int kind){ return p->front>>kind & 1; }

/* ---- The WAL hook: the host takes the slot only during a commit --------------------------------- */

/* PRAGMA wal_autocheckpoint reads and sets the slot inside SQLite and cannot be wrapped. So the slot holds
** SQLite's own hook between commits. */

static int logged(void *pArg, sqlite3 *db, const char *zDb, int nPage){
  Hooks *p = pArg;
  host_wal(p->id, zDb, nPage);
  if( p->xWal ) return p->xWal(p->pWal, db, zDb, nPage);
  if( p->nCheckpoint>0 && nPage>=p->nCheckpoint ) sqlite3_wal_checkpoint(db, zDb);
  return SQLITE_OK;
}

/* Keeps the hook that was in the slot. The argument of SQLite's own hook is a number of pages. */
static void replaced(Hooks *p, void *pOld){
  if( p->xWal && pOld==p->pWal ) return;
  p->xWal = 0;
  p->nCheckpoint = (int)(size_t)pOld;
}
static void takeLog(Hooks *p){
  void *pOld = __real_sqlite3_wal_hook(p->db, logged, p);
  if( pOld!=p ) replaced(p, pOld);
  p->logging = 1;
}
static void returnLog(Hooks *p){
  if( !p->logging ) return;
  p->logging = 0;
  void *pOld = __real_sqlite3_wal_hook(p->db, 0, 0);
  if( pOld!=p ) replaced(p, pOld);
  if( p->xWal ) __real_sqlite3_wal_hook(p->db, p->xWal, p->pWal);
  else __real_sqlite3_wal_autocheckpoint(p->db, p->nCheckpoint);
}

void *__wrap_sqlite3_wal_hook(sqlite3 *db, Logged x, void *pArg);
int __wrap_sqlite3_wal_autocheckpoint(sqlite3 *db, int n){
  Hooks *p = hooksOf(db);
  if( !p || !p->logging ) return __real_sqlite3_wal_autocheckpoint(db, n);
  p->xWal = 0;
  p->nCheckpoint = n>0 ? n : 0;
  return SQLITE_OK;
}

/* ---- The callbacks: each calls the host, then the other hook ------------------------------------------------ */

static int authorize(void *pArg, int action, const char *z1, const char *z2, const char *z3, const char *z4){
  Hooks *p = pArg;
  int host = host_authorize(p->id, action, z1, z2, z3, z4);
  if( host==SQLITE_DENY || !p->xAuthorize ) return host;
  int other = p->xAuthorize(p->pAuthorize, action, z1, z2, z3, z4);
  return other==SQLITE_OK ? host : other;
}
static int commit(void *pArg){
  Hooks *p = pArg;
  if( p->poisoned ) return p->refused = 1;
  if( host_commit(p->id) || (p->xCommit && p->xCommit(p->pCommit)) ) return 1;
  if( inFront(p, HOOK_WAL) ) takeLog(p);
  return 0;
}
static void rollback(void *pArg){
  Hooks *p = pArg;
  p->poisoned = 0;
  host_rollback(p->id);
  if( p->xRollback ) p->xRollback(p->pRollback);
}
static void updated(void *pArg, int op, const char *zDb, const char *zTable, sqlite3_int64 rowid){
  Hooks *p = pArg;
  host_update(p->id, op, zDb, zTable, rowid);
  if( p->xUpdate ) p->xUpdate(p->pUpdate, op, zDb, zTable, rowid);
}

/* Sets a slot to the host's callback, or to the hook of the shell or program. */
static void fill(Hooks *p, int kind){
  int front = inFront(p, kind);
#define FILL(name, field, ours) \
  if( front ) __real_sqlite3_##name(p->db, ours, p); \
  else __real_sqlite3_##name(p->db, p->x##field, p->p##field); \
  break
  switch( kind ){
    case HOOK_AUTHORIZE: FILL(set_authorizer, Authorize, authorize); /* SQLite then also compiles statements again */
    case HOOK_COMMIT: FILL(commit_hook, Commit, commit);
    case HOOK_ROLLBACK: FILL(rollback_hook, Rollback, rollback);
    case HOOK_UPDATE: FILL(update_hook, Update, updated);
    case HOOK_WAL: returnLog(p); break;
  }
}

/* SQLite closes the connection, but may keep it until its last statement is finalized. */
static void release(void *pArg){
  Hooks *p = pArg, **pp = &all;
  p->front = 0;
  for(int kind=HOOK_AUTHORIZE; kind<=HOOK_WAL; kind++) fill(p, kind);
  while( *pp!=p ) pp = &(*pp)->pNext;
  *pp = p->pNext;
  sqlite3_free(p->zFault);
  sqlite3_free(p);
}

static Hooks *hooksFor(sqlite3 *db){
  Hooks *p = hooksOf(db);
  if( p ) return p;
  p = sqlite3_malloc(sizeof(*p));
  if( !p ) return 0;
  memset(p, 0, sizeof(*p));
  p->db = db;
  p->pNext = all;
  all = p;
  return sqlite3_set_clientdata(db, "hooks", p, release) ? 0 : p; /* calls release if it fails */
}

int bridge_hook(sqlite3 *db, int id, int kind){
  Hooks *p = hooksFor(db);
  if( !p ) return SQLITE_NOMEM;
  if( id==0 ) p->front &= ~(1<<kind);
  else{
    p->id = id;
    p->front |= 1<<kind;
  }
  fill(p, kind);
  if( id && kind==HOOK_WAL ) return bridge_hook(db, id, HOOK_COMMIT);
  return SQLITE_OK;
}

int __wrap_sqlite3_set_authorizer(sqlite3 *db, Authorizer x, void *pArg){
  Hooks *p = hooksFor(db);
  if( !p ) return SQLITE_NOMEM;
  p->xAuthorize = x;
  p->pAuthorize = pArg;
  fill(p, HOOK_AUTHORIZE);
  return SQLITE_OK;
}
#define HOOK(name, type, field, kind) \
  void *__wrap_sqlite3_##name(sqlite3 *db, type, void *pArg){ \
    Hooks *p = hooksFor(db); \
    if( !p ) return __real_sqlite3_##name(db, x, pArg); \
    void *pOld = p->p##field; \
    p->x##field = x; \
    p->p##field = pArg; \
    fill(p, kind); \
    return pOld; \
  }
HOOK(commit_hook, int (*x)(void*), Commit, HOOK_COMMIT)
HOOK(rollback_hook, void (*x)(void*), Rollback, HOOK_ROLLBACK)
HOOK(update_hook, Updated x, Update, HOOK_UPDATE)

void *__wrap_sqlite3_wal_hook(sqlite3 *db, Logged x, void *pArg){
  Hooks *p = hooksFor(db);
  if( !p ) return __real_sqlite3_wal_hook(db, x, pArg);
  void *pOld = p->xWal ? p->pWal : (void*)(size_t)p->nCheckpoint;
  p->xWal = x;
  p->pWal = pArg;
  p->nCheckpoint = 0;
  return p->logging ? pOld : __real_sqlite3_wal_hook(db, x, pArg);
}

/* ---- Errors in callbacks that cannot return an error --------------------------------------------------------- */

void bridge_poison(sqlite3 *db, const char *zWhy){
  Hooks *p = hooksOf(db);
  if( !p ) return;
  if( !p->poisoned ){
    sqlite3_free(p->zFault);
    p->zFault = sqlite3_mprintf("%s", zWhy);
  }
  p->poisoned = p->stopping = 1;
  p->nFault++;
}
int bridge_poisoned(sqlite3 *db){
  Hooks *p = hooksOf(db);
  return p && p->poisoned;
}

int hooks_stopping(sqlite3 *db){
  Hooks *p = all ? hooksOf(db) : 0;
  return p && p->stopping;
}
int hooks_watch(sqlite3 *db){
  Hooks *p = all ? hooksOf(db) : 0;
  return p && p->front;
}

/* Ends the poisoned state if no change is left to commit. */
static void settle(Hooks *p){
  if( p->poisoned && p->nStep==0 && sqlite3_get_autocommit(p->db)
   && sqlite3_txn_state(p->db, 0)!=SQLITE_TXN_WRITE ) p->poisoned = 0;
}

static int say(Hooks *p, int rc){
  int extended = sqlite3_extended_errcode(p->db);
  p->refused = 0;
  sqlite3_set_errmsg(p->db, (extended & 0xff)==(rc & 0xff) ? extended : rc, p->zFault);
  return rc;
}

/* Makes a step fail even if SQLite's result is not an error. An error of SQLite's own is kept. */
static int fail(Hooks *p, sqlite3_stmt *pStmt, int rc){
  switch( rc & 0xff ){
    case SQLITE_ROW: case SQLITE_DONE: case SQLITE_INTERRUPT: rc = SQLITE_ERROR; break;
    case SQLITE_CONSTRAINT: break; /* a commit that was refused */
    default: return rc;
  }
  p->pFailed = pStmt;
  p->rcFailed = rc;
  return say(p, rc);
}

int hooks_step(sqlite3_stmt *pStmt, int (*xStep)(sqlite3_stmt*)){
  Hooks *p = all ? hooksOf(sqlite3_db_handle(pStmt)) : 0;
  if( !p || !p->front ) return xStep(pStmt);
  int nFault = p->nFault;
  if( p->pFailed==pStmt ) p->pFailed = 0;
  if( p->nStep==0 ) p->stopping = p->refused = 0;
  p->nStep++;
  int rc = xStep(pStmt);
  if( --p->nStep==0 ){
    p->stopping = 0;
    returnLog(p);
  }
  if( p->nFault!=nFault || p->refused ) rc = fail(p, pStmt, rc);
  settle(p);
  return rc;
}

/* Called when a statement was reset or finalized. rc is the result of that call. */
static int ended(Hooks *p, int failed, int rc){
  if( failed ){
    p->pFailed = 0;
    rc = p->rcFailed;
  }
  if( failed || p->refused ) say(p, rc);
  settle(p);
  return rc;
}
#define END(name) \
  EXPORT(sqlite3_##name) int __wrap_sqlite3_##name(sqlite3_stmt *pStmt){ \
    Hooks *p = all && pStmt ? hooksOf(sqlite3_db_handle(pStmt)) : 0; \
    int failed = p && p->pFailed==pStmt; \
    int rc = __real_sqlite3_##name(pStmt); \
    return p && p->front ? ended(p, failed, rc) : rc; \
  }
END(reset) /* the linker cannot export wrapped functions from exports.txt */
END(finalize)

/* ---- Collations ---------------------------------------------------------------------------------- */

static int compare(void *pId, int n1, const void *p1, int n2, const void *p2){
  return host_compare((int)(size_t)pId, n1, p1, n2, p2);
}
static void destroyed(void *pId){ host_destroy((int)(size_t)pId); }

int bridge_create_collation(sqlite3 *db, const char *zName, int id){
  return sqlite3_create_collation_v2(db, zName, SQLITE_UTF8, (void*)(size_t)id, compare, destroyed);
}
