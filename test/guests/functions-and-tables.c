/* World functions-and-tables: functions and tables, to read and to change, that run SQL. */
#include "functions_and_tables.h"
#define WORLD(name) functions_and_tables_##name
#define COMPONENT "functions-and-tables"
#define HAS_WRITABLE
#include "sentence.h"
#include "calls.h"
#include "rows.h"
#include "everything.h"
