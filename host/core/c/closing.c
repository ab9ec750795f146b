/*
** Calls the host before a connection is closed, so that the host can finalize its statements first. If any are left,
** sqlite3_close fails and sqlite3_close_v2 leaves the connection open.
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
/* The linker cannot export a wrapped function from exports.txt. */
EXPORT(sqlite3_close_v2) int __wrap_sqlite3_close_v2(sqlite3 *db){
  closing(db);
  return __real_sqlite3_close_v2(db);
}
