/* The bindings of the world, and the prefix of their names. */
#ifndef WORLD
#include "analytic.h"
#define WORLD(name) analytic_##name
#endif
