/*
** The callbacks of the session extension. Its functions take them as pointers, so their addresses are handed
** out, and the host calls every sqlite3session_, sqlite3changeset_, sqlite3changegroup_ and sqlite3rebaser_
** function by its own name, with the number of its callback object as the context.
*/
#include "host.h"
#include <stddef.h>

static int tableFilter(void *pId, const char *zTable){
  return host_table_filter((int)(size_t)pId, zTable);
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
    case CALLBACK_TABLE_FILTER: return (void*)tableFilter;
    case CALLBACK_CHANGE_FILTER: return (void*)changeFilter;
    case CALLBACK_CONFLICT: return (void*)conflict;
    case CALLBACK_STREAM_INPUT: return (void*)streamInput;
    case CALLBACK_STREAM_OUTPUT: return (void*)streamOutput;
  }
  return 0;
}
