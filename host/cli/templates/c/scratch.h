/*
** CREATE VIRTUAL TABLE temp.t USING scratch(column, ...): a table in memory, which exists until the connection is
** closed.
*/
#ifndef SCRATCH_H
#define SCRATCH_H
#include "table.h"

typedef struct {
  int64_t rowid;
  Value *values;
} Row;

typedef struct {
  Row *rows; /* by rowid */
  size_t count;
} Rows;

/* The rows at the beginning of a savepoint, or of the transaction for the number -1. */
typedef struct Saved {
  int32_t number;
  Rows rows;
  struct Saved *below;
} Saved;

/*
** A table. The host uses its address as the number of the table. SQLite disconnects a table and connects it again
** whenever it reads the schema again, so the data is kept by name in a list.
*/
typedef struct Table {
  char *name; /* DATABASE.NAME */
  size_t columns;
  Rows rows;
  Saved *saved;
  struct Table *next;
} Table;

static inline Table *table_of(uint32_t number) { return (Table *)(uintptr_t)number; }

void free_rows(Table *table, Rows *rows);
/* Removes the savepoints from `number` on. */
void forget_saved(Table *table, int32_t number);
/* The key of a table in the list, in newly allocated memory. */
char *full_name(const char *database, size_t database_len, const char *name, size_t name_len);
/* The position of `rowid`, or the position for inserting it. */
size_t place_of(const Rows *rows, int64_t rowid);
#endif
