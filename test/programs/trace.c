/*
** sqlite3_trace() for SQLite's test programs, because builds without deprecated functions lack it. Prints each
** statement that begins, on this connection and on connections opened later, with its parameters filled in, to stdout:
**
**     #SQL LENGTH
**     TEXT
*/
#include "sqlite3.h"
#include <stdio.h>
#include <string.h>

static int began(unsigned kind, void *context, void *statement, void *text){
  const char *sql = text;
  char *expanded;
  if( sql[0]=='-' && sql[1]=='-' ) return 0; /* within another one */
  expanded = sqlite3_expanded_sql(statement);
  if( expanded ) printf("\n#SQL %d\n%s\n", (int)strlen(expanded), expanded);
  sqlite3_free(expanded);
  return 0;
}

static int opened(sqlite3 *db, char **error, const void *api){
  return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, began, 0);
}

void *sqlite3_trace(sqlite3 *db, void (*callback)(void*, const char*), void *context){
  if( callback ) sqlite3_auto_extension((void(*)(void))opened);
  sqlite3_trace_v2(db, callback ? SQLITE_TRACE_STMT : 0, began, context);
  return 0;
}
