/* Aggregate and window functions. The host keeps the state of each group and returns a number for it. */
#include "host.h"
#include <stddef.h>

static int idOf(sqlite3_context *ctx){ return (int)(size_t)sqlite3_user_data(ctx); }

static void take(sqlite3_context *ctx, int argc, sqlite3_value **argv, int inverse){
  int *pGroup = sqlite3_aggregate_context(ctx, sizeof(*pGroup));
  Cell aCell[argc+1];
  if( !pGroup ){
    sqlite3_result_error_nomem(ctx);
    return;
  }
  if( bridge_values(argc, argv, aCell) ){
    sqlite3_result_error_nomem(ctx);
    return;
  }
  *pGroup = host_step(idOf(ctx), ctx, *pGroup, argc, aCell, inverse);
}
static void step(sqlite3_context *ctx, int argc, sqlite3_value **argv){ take(ctx, argc, argv, 0); }
static void inverse(sqlite3_context *ctx, int argc, sqlite3_value **argv){ take(ctx, argc, argv, 1); }

static void give(sqlite3_context *ctx, int final){
  /* A window frame can be empty before the first row, but the group's number must be kept. */
  int *pGroup = sqlite3_aggregate_context(ctx, final ? 0 : sizeof(*pGroup));
  int group = host_group_value(idOf(ctx), ctx, pGroup ? *pGroup : 0, final);
  if( pGroup ) *pGroup = group;
}
static void value(sqlite3_context *ctx){ give(ctx, 0); }
static void final(sqlite3_context *ctx){ give(ctx, 1); }

static void destroyed(void *pId){ host_destroy((int)(size_t)pId); }

int bridge_create_aggregate(sqlite3 *db, const char *zName, int nArg, int flags, int id, int window){
  return sqlite3_create_window_function(db, zName, nArg, flags|SQLITE_UTF8, (void*)(size_t)id, step, final,
                                        window ? value : 0, window ? inverse : 0, destroyed);
}
