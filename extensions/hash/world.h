/* The bindings of the world, and the prefix of their names. */
#ifndef WORLD
#include "minimal.h"
#define WORLD(name) minimal_##name
#endif
