/*
** Virtual tables. The host returns rows in batches, so that reading a row seldom calls the host. The host refers to
** modules, tables and cursors by numbers.
*/
#include "host.h"
#include <stddef.h>
#include <string.h>

#define FIRST_ASK 16
#define LARGEST_ASK 512
#define BATCH_BYTES (1<<20)     /* the largest size of a batch, estimated from the previous batch */
#define SHADOW_LISTS 32

typedef struct Module {
  sqlite3_module methods;
  int id;
  int options;
  int slot;       /* the index of its xShadowName function, or -1 */
} Module;

typedef struct Table {
  sqlite3_vtab base;
  const Module *pModule;
  int table;
  int nColumn;
} Table;

typedef struct Cursor {
  sqlite3_vtab_cursor base;
  int cursor;
  int iRow;
  int nAsk;
  Batch batch;
} Cursor;

/* The memory layout of the WIT variant sql-value. */
typedef struct Variant {
  unsigned char kind;
  union {
    double real;
    sqlite3_int64 integer;
    struct { const char *p; unsigned n; } bytes;
  } value;
} Variant;
enum { KIND_NULL, KIND_INTEGER, KIND_REAL, KIND_TEXT, KIND_BLOB };

#define TABLE(p) Table *pTable = (Table*)(p); int id = pTable->pModule->id; (void)id

/* Where a method writes its error message. Frees the previous message. */
static char **errorOf(sqlite3_vtab *p){
  sqlite3_free(p->zErrMsg);
  p->zErrMsg = 0;
  return &p->zErrMsg;
}

static int connect(sqlite3 *db, void *pAux, int argc, const char *const*argv, sqlite3_vtab **ppVtab, char **pzErr,
                   int create){
  const Module *pModule = pAux;
  int nColumn = 0;
  int table = host_table_connect(pModule->id, db, create, argc, argv, &nColumn, pzErr);
  if( table<0 ) return -table;
  Table *p = sqlite3_malloc(sizeof(*p));
  if( !p ){
    host_table_disconnect(pModule->id, table);
    return SQLITE_NOMEM;
  }
  memset(p, 0, sizeof(*p));
  p->pModule = pModule;
  p->table = table;
  p->nColumn = nColumn;
  if( pModule->options & MODULE_DIRECT_ONLY ) sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  if( pModule->options & MODULE_INNOCUOUS ) sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  if( pModule->options & MODULE_WRITABLE ) sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  *ppVtab = &p->base;
  return SQLITE_OK;
}
static int xCreate(sqlite3 *db, void *pAux, int argc, const char *const*argv, sqlite3_vtab **ppVtab, char **pzErr){
  return connect(db, pAux, argc, argv, ppVtab, pzErr, 1);
}
static int xConnect(sqlite3 *db, void *pAux, int argc, const char *const*argv, sqlite3_vtab **ppVtab, char **pzErr){
  return connect(db, pAux, argc, argv, ppVtab, pzErr, 0);
}
static int xDisconnect(sqlite3_vtab *p){
  TABLE(p);
  host_table_disconnect(id, pTable->table);
  sqlite3_free(pTable);
  return SQLITE_OK;
}
static int xDestroy(sqlite3_vtab *p){
  TABLE(p);
  int rc = host_table_destroy(id, pTable->table, errorOf(p));
  if( rc==SQLITE_OK ) sqlite3_free(pTable);
  return rc;
}
static int xBestIndex(sqlite3_vtab *p, sqlite3_index_info *pInfo){
  TABLE(p);
  return host_table_best_index(id, pTable->table, pInfo, errorOf(p));
}

static int xOpen(sqlite3_vtab *p, sqlite3_vtab_cursor **ppCursor){
  TABLE(p);
  int cursor = host_cursor_open(id, pTable->table, errorOf(p));
  if( cursor<0 ) return -cursor;
  Cursor *pCur = sqlite3_malloc(sizeof(*pCur));
  if( !pCur ){
    host_cursor_close(id, cursor);
    return SQLITE_NOMEM;
  }
  memset(pCur, 0, sizeof(*pCur));
  pCur->cursor = cursor;
  *ppCursor = &pCur->base;
  return SQLITE_OK;
}
static int xClose(sqlite3_vtab_cursor *p){
  TABLE(p->pVtab);
  Cursor *pCur = (Cursor*)p;
  host_cursor_close(id, pCur->cursor);
  sqlite3_free(pCur->batch.pBlock);
  sqlite3_free(pCur);
  return SQLITE_OK;
}
static int xFilter(sqlite3_vtab_cursor *p, int idxNum, const char *idxStr, int argc, sqlite3_value **argv){
  TABLE(p->pVtab);
  Cursor *pCur = (Cursor*)p;
  pCur->iRow = 0;
  pCur->nAsk = FIRST_ASK;
  pCur->batch.nRow = 0;
  pCur->batch.nUsed = 0;
  pCur->batch.done = 1;
  return host_cursor_filter(id, pCur->cursor, &pCur->batch, idxNum, idxStr, argc, argv, pCur->nAsk,
                            errorOf(p->pVtab));
}
/* How many rows to ask for: twice as many as before, unless rows of that size would exceed BATCH_BYTES. */
static int nextAsk(const Cursor *pCur){
  int nFit = pCur->batch.nRow>0 ? BATCH_BYTES/(pCur->batch.nUsed/pCur->batch.nRow+1) : LARGEST_ASK;
  int nAsk = pCur->nAsk<LARGEST_ASK ? pCur->nAsk*2 : LARGEST_ASK;
  return nFit<1 ? 1 : nFit<nAsk ? nFit : nAsk;
}
static int xNext(sqlite3_vtab_cursor *p){
  Cursor *pCur = (Cursor*)p;
  pCur->iRow++;
  if( pCur->iRow<pCur->batch.nRow || pCur->batch.done ) return SQLITE_OK;
  TABLE(p->pVtab);
  pCur->nAsk = nextAsk(pCur);
  pCur->iRow = 0;
  pCur->batch.nRow = 0;
  pCur->batch.done = 1;
  return host_cursor_fetch(id, pCur->cursor, &pCur->batch, pCur->nAsk, errorOf(p->pVtab));
}
static int xEof(sqlite3_vtab_cursor *p){
  Cursor *pCur = (Cursor*)p;
  return pCur->iRow>=pCur->batch.nRow;
}
static int xColumn(sqlite3_vtab_cursor *p, sqlite3_context *ctx, int iCol){
  Cursor *pCur = (Cursor*)p;
  const Table *pTable = (const Table*)p->pVtab;
  int nColumn = pTable->nColumn;
  if( iCol>=nColumn ) return SQLITE_OK;
  if( pTable->pModule->methods.xUpdate && sqlite3_vtab_nochange(ctx) ) return SQLITE_OK;
  const sqlite3_int64 *aRowid = pCur->batch.pBlock;
  const Variant *pValue = (const Variant*)&aRowid[pCur->batch.nRow] + (size_t)pCur->iRow*nColumn + iCol;
  switch( pValue->kind ){
    case KIND_INTEGER: sqlite3_result_int64(ctx, pValue->value.integer); break;
    case KIND_REAL: sqlite3_result_double(ctx, pValue->value.real); break;
    case KIND_TEXT:
      sqlite3_result_text(ctx, pValue->value.bytes.p, (int)pValue->value.bytes.n, SQLITE_TRANSIENT);
      break;
    case KIND_BLOB:
      sqlite3_result_blob(ctx, pValue->value.bytes.p, (int)pValue->value.bytes.n, SQLITE_TRANSIENT);
      break;
  }
  return SQLITE_OK;
}
static int xRowid(sqlite3_vtab_cursor *p, sqlite3_int64 *pRowid){
  Cursor *pCur = (Cursor*)p;
  *pRowid = ((const sqlite3_int64*)pCur->batch.pBlock)[pCur->iRow];
  return SQLITE_OK;
}

static int xUpdate(sqlite3_vtab *p, int argc, sqlite3_value **argv, sqlite3_int64 *pRowid){
  TABLE(p);
  return host_table_update(id, pTable->table, argc, argv, pRowid, errorOf(p));
}
#define TRANSACTION(name, what) \
  static int name(sqlite3_vtab *p){ \
    TABLE(p); \
    return host_table_transaction(id, pTable->table, what, 0, errorOf(p)); \
  }
TRANSACTION(xBegin, 0)
TRANSACTION(xSync, 1)
TRANSACTION(xCommit, 2)
TRANSACTION(xRollback, 3)
#define SAVEPOINT(name, what) \
  static int name(sqlite3_vtab *p, int n){ \
    TABLE(p); \
    return host_table_transaction(id, pTable->table, what, n, errorOf(p)); \
  }
SAVEPOINT(xSavepoint, 4)
SAVEPOINT(xRelease, 5)
SAVEPOINT(xRollbackTo, 6)
static int xRename(sqlite3_vtab *p, const char *zNew){
  TABLE(p);
  return host_table_rename(id, pTable->table, zNew, errorOf(p));
}
static int xIntegrity(sqlite3_vtab *p, const char *zSchema, const char *zName, int mFlags, char **pzErr){
  TABLE(p);
  (void)zSchema; (void)zName;
  return host_table_integrity(id, pTable->table, mFlags & 1, pzErr);
}

/* xShadowName does not receive the module, so each list of suffixes has its own function. All modules with the same
** list share the function. A newline follows each suffix. */
static struct { char *z; int nModule; } aShadow[SHADOW_LISTS];
static int isShadow(int slot, const char *zSuffix){
  size_t n = strlen(zSuffix);
  for(const char *z=aShadow[slot].z; z && *z; z=strchr(z, '\n')+1){
    if( sqlite3_strnicmp(z, zSuffix, (int)n)==0 && z[n]=='\n' ) return 1;
  }
  return 0;
}
#define SHADOW(n) static int shadow##n(const char *z){ return isShadow(n, z); }
#define FOUR(x, a, b, c, d) x(a) x(b) x(c) x(d)
#define ALL(x) FOUR(x,0,1,2,3) FOUR(x,4,5,6,7) FOUR(x,8,9,10,11) FOUR(x,12,13,14,15) \
  FOUR(x,16,17,18,19) FOUR(x,20,21,22,23) FOUR(x,24,25,26,27) FOUR(x,28,29,30,31)
ALL(SHADOW)
#define NAME(n) shadow##n,
static int (*const xShadow[SHADOW_LISTS])(const char*) = { ALL(NAME) };

/* Finds or takes the slot for a list of suffixes and counts one more module. Returns -1 if no slot is left. */
static int takeShadow(const char *zShadow){
  int slot = -1;
  for(int i=0; i<SHADOW_LISTS; i++){
    if( aShadow[i].z ? strcmp(aShadow[i].z, zShadow)==0 : slot<0 ) slot = i;
    if( slot==i && aShadow[i].z ) break;
  }
  if( slot<0 ) return -1;
  if( !aShadow[slot].z ) aShadow[slot].z = sqlite3_mprintf("%s", zShadow);
  if( !aShadow[slot].z ) return -1;
  aShadow[slot].nModule++;
  return slot;
}
static void dropShadow(int slot){
  if( slot<0 || --aShadow[slot].nModule>0 ) return;
  sqlite3_free(aShadow[slot].z);
  aShadow[slot].z = 0;
}

static void moduleGone(void *p){
  Module *pModule = p;
  dropShadow(pModule->slot);
  host_destroy(pModule->id);
  sqlite3_free(pModule);
}

int bridge_create_module(sqlite3 *db, const char *zName, int id, int options, const char *zShadow){
  Module *p = sqlite3_malloc(sizeof(*p));
  if( !p ){
    host_destroy(id);
    return SQLITE_NOMEM;
  }
  memset(p, 0, sizeof(*p));
  p->id = id;
  p->options = options;
  p->slot = -1;
  sqlite3_module *m = &p->methods;
  m->iVersion = 4;
  m->xConnect = xConnect;
  if( options & MODULE_CREATABLE ) m->xCreate = options & MODULE_EPONYMOUS ? xConnect : xCreate;
  m->xBestIndex = xBestIndex;
  m->xDisconnect = xDisconnect;
  m->xDestroy = xDestroy;
  m->xOpen = xOpen;
  m->xClose = xClose;
  m->xFilter = xFilter;
  m->xNext = xNext;
  m->xEof = xEof;
  m->xColumn = xColumn;
  m->xRowid = xRowid;
  if( options & MODULE_WRITABLE ){
    m->xUpdate = xUpdate;
    m->xRename = xRename;
    m->xIntegrity = xIntegrity;
  }
  if( options & (MODULE_TRANSACTIONAL|MODULE_SAVEPOINTS) ){
    m->xBegin = xBegin;
    m->xSync = xSync;
    m->xCommit = xCommit;
    m->xRollback = xRollback;
  }
  if( options & MODULE_SAVEPOINTS ){
    m->xSavepoint = xSavepoint;
    m->xRelease = xRelease;
    m->xRollbackTo = xRollbackTo;
  }
  if( zShadow[0] ){
    p->slot = takeShadow(zShadow);
    if( p->slot<0 ){
      moduleGone(p);
      return SQLITE_FULL;
    }
    m->xShadowName = xShadow[p->slot];
  }
  return sqlite3_create_module_v2(db, zName, m, p, moduleGone);
}
