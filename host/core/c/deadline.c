/*
** Calls the host when a statement of the shell begins and ends, so that the host can end a statement that runs too
** long. Tells interrupts.c whether the statement writes. shell.c is compiled to call shell_step instead of
** sqlite3_step.
*/
#include "host.h"

/* Whether the host wants these calls. */
static int heard = 1;
static int depth;
static int writes;
static int wrote;

int shell_step(sqlite3_stmt *pStmt){
  int outermost = depth++==0;
  if( outermost ){
    writes = !sqlite3_stmt_readonly(pStmt);
    if( heard && !sqlite3_stmt_busy(pStmt) ) heard = host_statement(1);
  }
  int rc = sqlite3_step(pStmt);
  depth--;
  if( outermost ){
    wrote = writes && rc==SQLITE_DONE;
    if( heard && rc!=SQLITE_ROW ) host_statement(0);
  }
  return rc;
}

int shell_writes(void){ return depth>0 && writes; }
int shell_wrote(void){ return wrote; }
