/*
** Tells the host when a statement of the shell begins and ends, so that one can be ended that runs too long.
** shell.c is compiled to call shell_step where it says sqlite3_step.
*/
#include "host.h"

int shell_step(sqlite3_stmt *pStmt){
  static int depth;
  int outermost = depth++==0;
  if( outermost && !sqlite3_stmt_busy(pStmt) ) host_statement(1);
  int rc = sqlite3_step(pStmt);
  depth--;
  if( outermost && rc!=SQLITE_ROW ) host_statement(0);
  return rc;
}
