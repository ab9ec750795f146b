/*
** Tells the host when a statement of the shell begins and ends, so that one can be ended that runs too long.
** Only the shell's own calls come by here: those inside of SQLite are not wrapped, and the host's go to the real
** function.
*/
#include "host.h"

int __real_sqlite3_step(sqlite3_stmt*);
static int depth;

int __wrap_sqlite3_step(sqlite3_stmt *pStmt){
  int outermost = depth++==0;
  if( outermost && !sqlite3_stmt_busy(pStmt) ) host_statement(1);
  int rc = __real_sqlite3_step(pStmt);
  depth--;
  if( outermost && rc!=SQLITE_ROW ) host_statement(0);
  return rc;
}

/* Wrapped, it cannot be exported by the linker's list. */
EXPORT(sqlite3_step) int step(sqlite3_stmt *pStmt){ return __real_sqlite3_step(pStmt); }
