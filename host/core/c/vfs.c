/*
** SQLite's file layer, which calls the host. Two VFSs share the code: "node" locks as SQLite's own unix VFS does,
** "node-none" takes no locks. They are also registered as "unix" and "unix-none", the names of SQLite's own. This file
** has only what C must do: the structures and the WAL index.
*/
#include "host.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHM_REGIONS 4096 /* of 32 KiB each; enough for a WAL of about 60 GB with 4 KiB pages */

typedef struct HostFile {
  sqlite3_file base;
  int file;        /* the host's number */
  int shm;         /* host_shm_open was called, host_shm_close was not */
  int readonlyShm; /* the URI says readonly_shm=1 */
  int persistWal;  /* SQLITE_FCNTL_PERSIST_WAL */
  int nPerMap;     /* regions of the WAL index in one mapping: more than one if the system's pages are large */
  int nRegion;     /* regions in apRegion */
  void **apRegion;
  sqlite3_vfs *pVfs;
} HostFile;

static int fileShmUnmap(sqlite3_file *f, int deleteFlag){
  HostFile *p = (HostFile*)f;
  if( !p->shm ) return SQLITE_OK;
  int rc = host_shm_close(p->file, deleteFlag);
  /* A block is not freed if the file may still be mapped over it. */
  for(int i=0; rc==SQLITE_OK && i<p->nRegion; i+=p->nPerMap) free(p->apRegion[i]);
  free(p->apRegion);
  p->apRegion = 0;
  p->nRegion = 0;
  p->shm = 0;
  return rc;
}

static int fileClose(sqlite3_file *f){
  fileShmUnmap(f, 0);
  return host_close(((HostFile*)f)->file);
}
static int fileRead(sqlite3_file *f, void *p, int n, sqlite3_int64 offset){
  interrupts_poll_now_and_then();
  return host_read(((HostFile*)f)->file, p, n, (double)offset);
}
static int fileWrite(sqlite3_file *f, const void *p, int n, sqlite3_int64 offset){
  interrupts_poll_now_and_then();
  return host_write(((HostFile*)f)->file, p, n, (double)offset);
}
static int fileTruncate(sqlite3_file *f, sqlite3_int64 size){
  return host_truncate(((HostFile*)f)->file, (double)size);
}
static int fileSync(sqlite3_file *f, int flags){
  return host_sync(((HostFile*)f)->file, flags);
}
static int fileSize(sqlite3_file *f, sqlite3_int64 *pSize){
  double size = 0;
  int rc = host_file_size(((HostFile*)f)->file, &size);
  *pSize = (sqlite3_int64)size;
  return rc;
}
static int fileLock(sqlite3_file *f, int level){
  return host_lock(((HostFile*)f)->file, level);
}
static int fileUnlock(sqlite3_file *f, int level){
  return host_unlock(((HostFile*)f)->file, level);
}
static int fileCheckReservedLock(sqlite3_file *f, int *pReserved){
  return host_check_reserved_lock(((HostFile*)f)->file, pReserved);
}
static int fileControl(sqlite3_file *f, int op, void *pArg){
  if( op==SQLITE_FCNTL_VFSNAME ){
    *(char**)pArg = sqlite3_mprintf("%s", ((HostFile*)f)->pVfs->zName);
    return SQLITE_OK;
  }
  if( op==SQLITE_FCNTL_PERSIST_WAL ){
    int *pState = (int*)pArg;
    if( *pState<0 ) *pState = ((HostFile*)f)->persistWal;
    else ((HostFile*)f)->persistWal = *pState!=0;
    return SQLITE_OK;
  }
  return host_file_control(((HostFile*)f)->file, op, pArg);
}
static int fileSectorSize(sqlite3_file *f){
  (void)f;
  return 4096;
}
static int fileDeviceCharacteristics(sqlite3_file *f){
  return host_device_characteristics(((HostFile*)f)->file);
}

/* Allocates a block for the next regions and makes the host map the file over it. */
static int shmAdd(HostFile *p, int szRegion, int nPerMap){
  int n = szRegion*nPerMap; /* at least a page of the system, and a multiple of it */
  void **ap = realloc(p->apRegion, sizeof(void*)*(p->nRegion+nPerMap));
  if( !ap ) return SQLITE_NOMEM;
  p->apRegion = ap;
  char *pBlock = aligned_alloc(n, n);
  if( !pBlock ) return SQLITE_NOMEM;
  int rc = host_shm_map(p->file, pBlock, n, p->nRegion*szRegion);
  if( rc ){
    free(pBlock);
    return rc;
  }
  p->nPerMap = nPerMap;
  for(int i=0; i<nPerMap; i++) ap[p->nRegion++] = pBlock + i*szRegion;
  return SQLITE_OK;
}
static int fileShmMap(sqlite3_file *f, int iRegion, int szRegion, int extend, void volatile **pp){
  HostFile *p = (HostFile*)f;
  int nPerMap = 0;
  *pp = 0;
  if( iRegion>=SHM_REGIONS ) return SQLITE_FULL;
  p->shm = 1;
  int rc = host_shm_open(p->file, iRegion, szRegion, extend, p->readonlyShm, &nPerMap);
  if( rc!=SQLITE_OK && rc!=SQLITE_READONLY ) return rc;
  while( nPerMap>0 && p->nRegion<=iRegion ){
    int rcAdd = shmAdd(p, szRegion, nPerMap);
    if( rcAdd ) return rcAdd;
  }
  if( iRegion<p->nRegion ) *pp = p->apRegion[iRegion];
  return rc;
}
static int fileShmLock(sqlite3_file *f, int offset, int n, int flags){
  return host_shm_lock(((HostFile*)f)->file, offset, n, flags);
}
/* Compiles to atomic.fence, because other processes also map the index. */
static void fileShmBarrier(sqlite3_file *f){
  (void)f;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static const sqlite3_io_methods fileMethods = {
  2, fileClose, fileRead, fileWrite, fileTruncate, fileSync, fileSize, fileLock, fileUnlock,
  fileCheckReservedLock, fileControl, fileSectorSize, fileDeviceCharacteristics,
  fileShmMap, fileShmLock, fileShmBarrier, fileShmUnmap, 0, 0
};

static int vfsOpen(sqlite3_vfs *vfs, const char *zName, sqlite3_file *f, int flags, int *pOutFlags){
  HostFile *p = (HostFile*)f;
  int outFlags = flags;
  int file;
  int number = (int)(size_t)vfs->pAppData;
  memset(p, 0, sizeof(*p));
  /* If the URI disables locks, SQLite's pager takes none. */
  if( (flags & SQLITE_OPEN_MAIN_DB) && zName
   && (sqlite3_uri_boolean(zName, "nolock", 0) || sqlite3_uri_boolean(zName, "immutable", 0)) ) number = VFS_NONE;
  file = host_open(number, zName, flags, &outFlags);
  if( file<0 ) return -file;
  p->file = file;
  p->readonlyShm = (flags & SQLITE_OPEN_MAIN_DB) && zName && sqlite3_uri_boolean(zName, "readonly_shm", 0);
  p->pVfs = vfs;
  p->base.pMethods = &fileMethods;
  if( pOutFlags ) *pOutFlags = outFlags;
  return SQLITE_OK;
}
static int vfsDelete(sqlite3_vfs *vfs, const char *zName, int syncDir){
  (void)vfs;
  return host_delete(zName, syncDir);
}
static int vfsAccess(sqlite3_vfs *vfs, const char *zName, int flags, int *pResult){
  (void)vfs;
  return host_access(zName, flags, pResult);
}
static int vfsFullPathname(sqlite3_vfs *vfs, const char *zName, int nOut, char *zOut){
  (void)vfs;
  char zPath[1024];
  return host_full_pathname(shell_path(zName, zPath, sizeof(zPath)), nOut, zOut);
}

/* Extensions: SQLite looks up a symbol in the library that it opened last. The symbol is always extensionInit, which
** initializes that library. */
static int openLibrary;
static int extensionInit(sqlite3 *db, char **pzError, const sqlite3_api_routines *pApi){
  (void)pApi;
  return host_extension_init(db, openLibrary, pzError);
}
static void *vfsDlOpen(sqlite3_vfs *vfs, const char *zFile){
  (void)vfs;
  char zPath[1024];
  const char *zFull = shell_path(zFile, zPath, sizeof(zPath));
  /* If the file does not exist, zFile may be the name of an extension that ships with the host. */
  return (void*)(size_t)host_extension_open(access(zFull, F_OK)==0 ? zFull : zFile);
}
static void vfsDlError(sqlite3_vfs *vfs, int n, char *z){
  (void)vfs;
  host_extension_error(n, z);
}
static void (*vfsDlSym(sqlite3_vfs *vfs, void *pLibrary, const char *zSymbol))(void){
  (void)vfs; (void)zSymbol;
  openLibrary = (int)(size_t)pLibrary;
  return (void(*)(void))extensionInit;
}
static void vfsDlClose(sqlite3_vfs *vfs, void *pLibrary){ (void)vfs; (void)pLibrary; }

static int vfsRandomness(sqlite3_vfs *vfs, int n, char *p){
  (void)vfs;
  return host_randomness(n, p);
}
static int vfsSleep(sqlite3_vfs *vfs, int microseconds){
  (void)vfs;
  interrupts_poll();
  /* After Ctrl-C a busy handler must not wait. It counts the sleep time, so it ends without sleeping. */
  return interrupts_ending() ? microseconds : host_sleep(microseconds);
}
static int vfsCurrentTimeInt64(sqlite3_vfs *vfs, sqlite3_int64 *pNow){
  (void)vfs;
  *pNow = (sqlite3_int64)host_now() + 210866760000000LL; /* the Julian day of 1970, in ms */
  return SQLITE_OK;
}
static int vfsCurrentTime(sqlite3_vfs *vfs, double *pNow){
  sqlite3_int64 ms;
  vfsCurrentTimeInt64(vfs, &ms);
  *pNow = ms/86400000.0;
  return SQLITE_OK;
}
static int vfsLastError(sqlite3_vfs *vfs, int n, char *z){
  (void)vfs;
  return host_last_error(n, z);
}

#define VFS(name, number) { 2, sizeof(HostFile), 1024, 0, name, (void*)number, vfsOpen, vfsDelete, vfsAccess, \
  vfsFullPathname, vfsDlOpen, vfsDlError, vfsDlSym, vfsDlClose, vfsRandomness, vfsSleep, vfsCurrentTime, \
  vfsLastError, vfsCurrentTimeInt64, 0, 0, 0 }

static sqlite3_vfs vfsNode = VFS("node", 0);
static sqlite3_vfs vfsNodeNone = VFS("node-none", VFS_NONE);
static sqlite3_vfs vfsUnix = VFS("unix", 0);
static sqlite3_vfs vfsUnixNone = VFS("unix-none", VFS_NONE);
/* VFSs of native SQLite whose locks the host does not support. host_open returns an error for them. */
static sqlite3_vfs aMissing[] = {
  VFS("unix-dotfile", VFS_DOTFILE), VFS("unix-excl", VFS_EXCL), VFS("unix-namedsem", VFS_NAMEDSEM),
};

int sqlite3_os_init(void){
  for(int i=0; i<3; i++) sqlite3_vfs_register(&aMissing[i], 0);
  sqlite3_vfs_register(&vfsUnixNone, 0);
  sqlite3_vfs_register(&vfsUnix, 0);
  sqlite3_vfs_register(&vfsNodeNone, 0);
  return sqlite3_vfs_register(&vfsNode, 1);
}
int sqlite3_os_end(void){ return SQLITE_OK; }
