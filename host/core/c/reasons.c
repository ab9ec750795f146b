/*
** Adds the host's reason to SQLite's message if a file cannot be opened, locked, read or written. shell.c is compiled
** to call the shell_ functions instead of SQLite's.
*/
#include "host.h"
#include <string.h>

/* Whether SQLite's message is a general one, to which the host's reason is appended. */
static int isGeneral(const char *zSaid, int rc){
  static const char zOpen[] = "unable to open database";
  return strcmp(zSaid, sqlite3_errstr(rc))==0 || strncmp(zSaid, zOpen, sizeof(zOpen)-1)==0;
}

/* Returns zSaid with the host's reason, from sqlite3_malloc; 0 if the host has no reason. */
static char *reasoned(sqlite3 *db, const char *zSaid){
  char zReason[2048];
  int rc = sqlite3_extended_errcode(db);
  if( zSaid==0 || !isGeneral(zSaid, rc) || !host_reason(rc, sizeof(zReason), zReason) ) return 0;
  return sqlite3_mprintf("%s: %s", zSaid, zReason);
}

const char *shell_errmsg(sqlite3 *db){
  static char *zLast; /* valid until the next call, as SQLite's own message is */
  const char *zSaid = sqlite3_errmsg(db);
  char *zFull = db ? reasoned(db, zSaid) : 0;
  if( !zFull ) return zSaid;
  sqlite3_free(zLast);
  return zLast = zFull;
}

int shell_sql(sqlite3 *db, const char *zSql, int (*x)(void*,int,char**,char**), void *pArg, char **pzErr){
  int rc = sqlite3_exec(db, zSql, x, pArg, pzErr);
  if( rc!=SQLITE_OK && pzErr && *pzErr ){
    char *zFull = reasoned(db, *pzErr);
    if( zFull ){
      sqlite3_free(*pzErr);
      *pzErr = zFull;
    }
  }
  return rc;
}
