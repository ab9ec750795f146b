/*
** Tells the host that a connection is about to be closed, while its statements can still be finalized: with any
** left, sqlite3_close refuses and sqlite3_close_v2 closes nothing.
*/
#include "host.h"
#include <stddef.h>

int __real_sqlite3_close(sqlite3*);
int __real_sqlite3_close_v2(sqlite3*);

static void closing(sqlite3 *db){
  void *pId = db ? sqlite3_get_clientdata(db, "host") : 0;
  if( pId ) host_closing((int)(size_t)pId);
}

int __wrap_sqlite3_close(sqlite3 *db){
  closing(db);
  return __real_sqlite3_close(db);
}
/* Wrapped, it cannot be exported by the linker's list. */
EXPORT(sqlite3_close_v2) int __wrap_sqlite3_close_v2(sqlite3 *db){
  closing(db);
  return __real_sqlite3_close_v2(db);
}
