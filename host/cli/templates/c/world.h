/* Includes the bindings of the world, and defines the prefix of their names. */
#ifndef WORLD
#include "WORLD.h"
#define WORLD(name) WORLD_##name
#endif
