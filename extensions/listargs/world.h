/* The bindings of the world, and the prefix of their names. */
#ifndef WORLD
#include "tabular.h"
#define WORLD(name) tabular_##name
#endif
