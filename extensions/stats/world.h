/* The bindings of the world, and the prefix of their names. */
#ifndef WORLD
#include "stateful.h"
#define WORLD(name) stateful_##name
#endif
