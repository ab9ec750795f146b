/*
** SQLite has one slot for each of these callbacks. The host is in front in all of them; whoever else sets one, the
** shell or a program, comes behind it and keeps what SQLite promises. Collations are here too.
*/
#include "host.h"
#include <stddef.h>
#include <string.h>

typedef int (*Authorizer)(void*, int, const char*, const char*, const char*, const char*);
typedef void (*Updated)(void*, int, const char*, const char*, sqlite3_int64);
typedef int (*Logged)(void*, sqlite3*, const char*, int);

typedef struct Hooks {
  int id;
  Authorizer xAuthorize; void *pAuthorize;
  int (*xCommit)(void*); void *pCommit;
  void (*xRollback)(void*); void *pRollback;
  Updated xUpdate; void *pUpdate;
  Logged xWal; void *pWal;
  int nCheckpoint;  /* pages of the log after which it is written back, where no xWal sees to that; 0: never */
} Hooks;

int __real_sqlite3_set_authorizer(sqlite3*, Authorizer, void*);
void *__real_sqlite3_commit_hook(sqlite3*, int(*)(void*), void*);
void *__real_sqlite3_rollback_hook(sqlite3*, void(*)(void*), void*);
void *__real_sqlite3_update_hook(sqlite3*, Updated, void*);

static Hooks *hooksOf(sqlite3 *db){ return sqlite3_get_clientdata(db, "hooks"); }

static int authorize(void *pArg, int action, const char *z1, const char *z2, const char *z3, const char *z4){
  Hooks *p = pArg;
  int host = host_authorize(p->id, action, z1, z2, z3, z4);
  if( host==SQLITE_DENY || !p->xAuthorize ) return host;
  int other = p->xAuthorize(p->pAuthorize, action, z1, z2, z3, z4);
  return other==SQLITE_OK ? host : other==SQLITE_IGNORE ? SQLITE_IGNORE : other;
}
static int commit(void *pArg){
  Hooks *p = pArg;
  return host_commit(p->id) || (p->xCommit && p->xCommit(p->pCommit));
}
static void rollback(void *pArg){
  Hooks *p = pArg;
  host_rollback(p->id);
  if( p->xRollback ) p->xRollback(p->pRollback);
}
static void updated(void *pArg, int op, const char *zDb, const char *zTable, sqlite3_int64 rowid){
  Hooks *p = pArg;
  host_update(p->id, op, zDb, zTable, rowid);
  if( p->xUpdate ) p->xUpdate(p->pUpdate, op, zDb, zTable, rowid);
}
static int logged(void *pArg, sqlite3 *db, const char *zDb, int nPage){
  Hooks *p = pArg;
  host_wal(p->id, zDb, nPage);
  if( p->xWal ) return p->xWal(p->pWal, db, zDb, nPage);
  if( p->nCheckpoint>0 && nPage>=p->nCheckpoint ) sqlite3_wal_checkpoint(db, zDb);
  return SQLITE_OK;
}

int bridge_hook(sqlite3 *db, int id, int kind){
  Hooks *p = hooksOf(db);
  if( !p ){
    p = sqlite3_malloc(sizeof(*p));
    if( !p ) return SQLITE_NOMEM;
    memset(p, 0, sizeof(*p));
    int rc = sqlite3_set_clientdata(db, "hooks", p, sqlite3_free);
    if( rc ) return rc;
  }
  p->id = id;
  switch( kind ){
    case HOOK_AUTHORIZE: return __real_sqlite3_set_authorizer(db, authorize, p);
    case HOOK_COMMIT: p->pCommit = __real_sqlite3_commit_hook(db, commit, p); break;
    case HOOK_ROLLBACK: p->pRollback = __real_sqlite3_rollback_hook(db, rollback, p); break;
    case HOOK_UPDATE: p->pUpdate = __real_sqlite3_update_hook(db, updated, p); break;
    /* What is in the slot now is SQLite's own hook, whose argument is the number of pages. */
    case HOOK_WAL: p->nCheckpoint = (int)(size_t)sqlite3_wal_hook(db, logged, p); break;
  }
  return SQLITE_OK;
}

int __wrap_sqlite3_set_authorizer(sqlite3 *db, Authorizer x, void *pArg){
  Hooks *p = hooksOf(db);
  if( !p ) return __real_sqlite3_set_authorizer(db, x, pArg);
  p->xAuthorize = x;
  p->pAuthorize = pArg;
  return __real_sqlite3_set_authorizer(db, authorize, p); /* again, so that statements are compiled anew */
}
#define HOOK(name, type, field, ours) \
  void *__wrap_sqlite3_##name(sqlite3 *db, type, void *pArg){ \
    Hooks *p = hooksOf(db); \
    if( !p ) return __real_sqlite3_##name(db, x, pArg); \
    void *pOld = p->p##field; \
    p->x##field = x; \
    p->p##field = pArg; \
    __real_sqlite3_##name(db, ours, p); \
    return pOld; \
  }
HOOK(commit_hook, int (*x)(void*), Commit, commit)
HOOK(rollback_hook, void (*x)(void*), Rollback, rollback)
HOOK(update_hook, Updated x, Update, updated)

/* ---- Collations ---------------------------------------------------------------------------------- */

static int compare(void *pId, int n1, const void *p1, int n2, const void *p2){
  return host_compare((int)(size_t)pId, n1, p1, n2, p2);
}
static void destroyed(void *pId){ host_destroy((int)(size_t)pId); }

int bridge_create_collation(sqlite3 *db, const char *zName, int id){
  return sqlite3_create_collation_v2(db, zName, SQLITE_UTF8, (void*)(size_t)id, compare, destroyed);
}
