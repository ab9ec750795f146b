/* Renames functions that hash-wasm's sources share. HASH(x) puts the name of the algorithm before x. */
#pragma clang diagnostic ignored "-Weverything"
#define Hash_Init HASH(init)
#define Hash_Update HASH(update)
#define Hash_Final HASH(final)
#define Hash_Calculate HASH(calculate)
#define Hash_GetState HASH(get_state)
#define STATE_SIZE HASH(state_size)
#define ctx HASH(ctx)
#define sctx HASH(sctx)
