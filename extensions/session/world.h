/* The bindings of the world, and the prefix of their names. */
#ifndef WORLD
#include "functions_and_tables.h"
#define WORLD(name) functions_and_tables_##name
#endif
