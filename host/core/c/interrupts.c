/*
** Handles Ctrl-C during backups, file access, waits for locks, and output. The progress handler in bridge.c handles it
** during statements. shell.c is compiled to call the shell_ functions instead of SQLite's.
*/
#include "host.h"
#include <signal.h>

/* How often the user pressed Ctrl-C; and whether the user did so since the shell last read a line. */
static int heard;
static int ending;

void bridge_interrupt(void){
  heard++;
  ending = 1;
  raise(SIGINT); /* the shell interrupts only its own connection, and only a running statement */
}
int interrupts_ending(void){ return ending; }
int interrupts_end_statement(void){ return ending && !shell_writes(); }
void interrupts_over(void){ ending = 0; }

void interrupts_poll(void){
  if( host_interrupted() ) bridge_interrupt();
}

void interrupts_poll_now_and_then(void){
  static unsigned n;
  if( (++n & 15)==0 ) interrupts_poll();
}

/* The shell calls this for each cell and each line of the tables that it prints. No statement runs meanwhile. */
int shell_str_errcode(sqlite3_str *p){
  static unsigned n;
  if( (++n & 255)==0 ) interrupts_poll();
  return ending && !shell_wrote() ? SQLITE_INTERRUPT : sqlite3_str_errcode(p);
}

/* The target of the running backup. The shell runs one backup at a time. */
static sqlite3 *pTarget;
static int heardBefore;

sqlite3_backup *shell_backup_init(sqlite3 *pTo, const char *zTo, sqlite3 *pFrom, const char *zFrom){
  pTarget = pTo;
  heardBefore = heard;
  return sqlite3_backup_init(pTo, zTo, pFrom, zFrom);
}
int shell_backup_step(sqlite3_backup *p, int nPage){
  interrupts_poll();
  return heard==heardBefore ? sqlite3_backup_step(p, nPage) : SQLITE_INTERRUPT;
}
int shell_backup_finish(sqlite3_backup *p){
  int rc = sqlite3_backup_finish(p);
  if( heard==heardBefore || rc!=SQLITE_OK ) return rc;
  sqlite3_set_errmsg(pTarget, SQLITE_INTERRUPT, 0); /* otherwise the shell would print "not an error" */
  return SQLITE_INTERRUPT;
}
