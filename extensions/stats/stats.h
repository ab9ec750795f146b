/* Declarations that the files of this extension share. */
#ifndef STATS_H
#define STATS_H
#include <math.h>
#include "guest.h"

/* ---- queue.c: the moments of the rows that are in ----------------------------------------------------- */

typedef struct { double x, y; } Point;

/* The moments of n rows: the mean of x and the sums of (x-mean)^k, the mean of y and the sum of (y-mean)^2, and the sum
** of the products. */
typedef struct { double n, mean, m2, m3, m4, mean_y, m2_y, sxy; } Moments;

/*
** A queue of rows. The newer part has its rows and their moments. The older part has the moments of the remaining rows
** after each removal. So removing a row needs no subtraction, and a very large or infinite row has no effect after its
** removal. All zero is an empty queue.
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
/* Removes the oldest row, which the caller passes. */
void queue_pop(Queue *, Point);
Moments queue_all(const Queue *);
void queue_free(Queue *);

/* ---- counts.c: how often each value is in ------------------------------------------------------------- */

typedef struct {
  Value value; /* the table owns its bytes */
  int64_t times; /* 0: free, or not in any more */
  bool used;
} Count;

/* A table of counts. All zero is an empty table. */
typedef struct {
  Count *slots;
  size_t room, used;
  Count *best;           /* the first of the most frequent; NULL until it is looked for, and when it leaves */
} Counts;

/* Adds n, 1 or -1, to the count of a value. */
void count(Counts *, const Value *, int n);
/* Returns a copy of the most frequent value; the first in SQLite's order if several are equally frequent; NULL if there
** is none. */
void most(Counts *, Value *ret);
void counts_free(Counts *);
#endif
