/* World analytic: functions, aggregates and tables to read that run SQL. */
#include "analytic.h"
#define WORLD(name) analytic_##name
#define COMPONENT "analytic"
#define HAS_AGGREGATES
#include "sentence.h"
#include "calls.h"
#include "rows.h"
#include "everything.h"
