/* What the files of this extension share. */
#ifndef STATS_H
#define STATS_H
#include <math.h>
#include "guest.h"

/* ---- queue.c: the moments of the rows that are in ----------------------------------------------------- */

typedef struct { double x, y; } Point;

/* n rows; of x the mean and the sums of (x-mean)^k, of y the mean and the square's, and the sum of the products. */
typedef struct { double n, mean, m2, m3, m4, mean_y, m2_y, sxy; } Moments;

/*
** Rows come in at one end and leave at the other. The newer part has its moments and its rows, the older one the
** moments of what is left after each leaving: so nothing is subtracted, and a row that dwarfed all others, or was
** infinite, leaves no trace. All zero is the empty queue.
*/
typedef struct {
  Moments newer;
  Point *rows;
  size_t len, room;
  Moments *older;        /* the last one is of all that is left of the older part */
  size_t older_len, older_room;
  bool subtracts;        /* too many rows to keep: newer has all, and what leaves is subtracted */
} Queue;

void queue_push(Queue *, Point);
/* The oldest row leaves, which the caller knows. */
void queue_pop(Queue *, Point);
Moments queue_all(const Queue *);
void queue_free(Queue *);

/* ---- counts.c: how often each value is in ------------------------------------------------------------- */

typedef struct {
  Value value; /* its bytes are the table's own */
  int64_t times; /* 0: free, or not in any more */
  bool used;
} Count;

/* All zero is the empty table. */
typedef struct {
  Count *slots;
  size_t room, used;
  Count *best;           /* the first of the most frequent; NULL until it is looked for, and when it leaves */
} Counts;

/* Adds n, 1 or -1, to the times of a value. */
void count(Counts *, const Value *, int n);
/* A copy of the most frequent value, the first in SQLite's order among equals; NULL if there is none. */
void most(Counts *, Value *ret);
void counts_free(Counts *);
#endif
