/*
** Ctrl-C where SQLite does not look for it: in backups, files, waits for locks, and output. (In statements the
** progress handler looks; see bridge.c.) shell.c is compiled to call the shell_ functions for those of SQLite.
*/
#include "host.h"
#include <signal.h>

/* How often the user asked for an end; and whether that is since the shell last asked for a line. */
static int heard;
static int ending;

void bridge_interrupt(void){
  heard++;
  ending = 1;
  raise(SIGINT); /* the shell interrupts its own connection alone, and what runs there now */
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

/* Asked at each cell and each line of a table that the shell lays out, which no statement runs for. */
int shell_str_errcode(sqlite3_str *p){
  static unsigned n;
  if( (++n & 255)==0 ) interrupts_poll();
  return ending && !shell_wrote() ? SQLITE_INTERRUPT : sqlite3_str_errcode(p);
}

/* The backup that runs: the shell has one at a time. */
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
  sqlite3_set_errmsg(pTarget, SQLITE_INTERRUPT, 0); /* or the shell would say "not an error" */
  return SQLITE_INTERRUPT;
}
