/*
** The callbacks of the session extension. The host gets their addresses from bridge_callback and passes them to the
** sqlite3session_, sqlite3changeset_, sqlite3changegroup_ and sqlite3rebaser_ functions, with the id of its callback
** object as the context.
*/
#include "host.h"
#include <stddef.h>
#include <string.h>

static int tableFilter(void *pId, const char *zTable){
  return host_table_filter((int)(size_t)pId, zTable);
}

/* SQLite calls the filter at each change of a table until the table is attached. The host refuses a table for good, so
** the tables that it refused last are kept here and the host is not called again. */
static struct { int id; unsigned version; char *zTable; } aRefused[64];

/* Returns a number that changes when another connection may have changed the schema, because a refused table may have
** been replaced by a new table of the same name. */
static unsigned versionsOf(sqlite3 *db){
  unsigned sum = 0, one;
  const char *zDb;
  for(int i=0; db && (zDb = sqlite3_db_name(db, i))!=0; i++){
    if( sqlite3_file_control(db, zDb, SQLITE_FCNTL_DATA_VERSION, &one)==SQLITE_OK ) sum += one;
  }
  return sum;
}

static unsigned slotOf(int id, const char *zTable){
  unsigned h = (unsigned)id;
  while( *zTable ) h = h*31 + (unsigned char)*zTable++;
  return (h ^ (h>>6)) % (sizeof(aRefused)/sizeof(aRefused[0]));
}
static int sessionFilter(void *pId, const char *zTable){
  int id = (int)(size_t)pId;
  unsigned i = slotOf(id, zTable);
  unsigned version = versionsOf(captures_stepping());
  if( aRefused[i].id==id && aRefused[i].version==version && strcmp(aRefused[i].zTable, zTable)==0 ) return 0;
  if( host_table_filter(id, zTable) ) return 1;
  sqlite3_free(aRefused[i].zTable);
  aRefused[i].zTable = sqlite3_mprintf("%s", zTable);
  aRefused[i].id = aRefused[i].zTable ? id : 0;
  aRefused[i].version = version;
  return 0;
}
void bridge_forget_filter(int id){
  for(unsigned i=0; i<sizeof(aRefused)/sizeof(aRefused[0]); i++){
    if( aRefused[i].id!=id ) continue;
    sqlite3_free(aRefused[i].zTable);
    aRefused[i].zTable = 0;
    aRefused[i].id = 0;
  }
}
static int changeFilter(void *pId, sqlite3_changeset_iter *pIter){
  return host_change_filter((int)(size_t)pId, pIter);
}
static int conflict(void *pId, int eConflict, sqlite3_changeset_iter *pIter){
  return host_conflict((int)(size_t)pId, eConflict, pIter);
}
static int streamInput(void *pId, void *pData, int *pnData){
  return host_stream_input((int)(size_t)pId, pData, pnData);
}
static int streamOutput(void *pId, const void *pData, int nData){
  return host_stream_output((int)(size_t)pId, pData, nData);
}

void *bridge_callback(int which){
  switch( which ){
    case CALLBACK_SESSION_FILTER: return (void*)sessionFilter;
    case CALLBACK_TABLE_FILTER: return (void*)tableFilter;
    case CALLBACK_CHANGE_FILTER: return (void*)changeFilter;
    case CALLBACK_CONFLICT: return (void*)conflict;
    case CALLBACK_STREAM_INPUT: return (void*)streamInput;
    case CALLBACK_STREAM_OUTPUT: return (void*)streamOutput;
  }
  return 0;
}
