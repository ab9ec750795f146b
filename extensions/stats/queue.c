/* See stats.h. */
#include "stats.h"

/* The most rows that are kept. More would take tens of MiB for one group. */
enum { KEPT = 1 << 18 };

/* If the mean is infinite, the moments are NaN and stay NaN. */
static Moments moments_of(Point p) {
  double zero = p.x - p.x, zero_y = p.y - p.y;
  return (Moments){
    .n = 1, .mean = p.x, .m2 = zero, .m3 = zero, .m4 = zero, .mean_y = p.y, .m2_y = zero_y, .sxy = zero + zero_y,
  };
}

/* The mean of two groups. d is the difference of their means, which may be infinite or overflow. */
static double mean_of(double a, double b, double d, double share_of_b) {
  return isfinite(d) ? a + d * share_of_b : a * (1 - share_of_b) + b * share_of_b;
}

/* P. Pébay: Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order Statistical
** Moments. Sandia Report SAND2008-6212, 2008. */
static Moments merged(Moments a, Moments b) {
  if (a.n == 0) return b;
  if (b.n == 0) return a;
  double n = a.n + b.n, d = b.mean - a.mean, dy = b.mean_y - a.mean_y;
  double dn = d / n, both = a.n * b.n;
  Moments m = {.n = n};
  m.mean = mean_of(a.mean, b.mean, d, b.n / n);
  m.m2 = a.m2 + b.m2 + d * dn * both;
  m.m3 = a.m3 + b.m3 + d * dn * dn * both * (a.n - b.n) + 3 * dn * (a.n * b.m2 - b.n * a.m2);
  m.m4 = a.m4 + b.m4 + d * dn * dn * dn * both * (a.n * a.n - both + b.n * b.n) +
    6 * dn * dn * (a.n * a.n * b.m2 + b.n * b.n * a.m2) + 4 * dn * (a.n * b.m3 - b.n * a.m3);
  m.mean_y = mean_of(a.mean_y, b.mean_y, dy, b.n / n);
  m.m2_y = a.m2_y + b.m2_y + dy * dy / n * both;
  m.sxy = a.sxy + b.sxy + dn * dy * both;
  return m;
}

/* The inverse of merged(): returns a if m is merged(a, moments_of(p)). */
static Moments without(Moments m, Point p) {
  Moments a = {.n = m.n - 1};
  if (a.n == 0) return a;
  double n = m.n;
  a.mean = m.mean - (p.x - m.mean) / a.n;
  a.mean_y = m.mean_y - (p.y - m.mean_y) / a.n;
  double d = p.x - a.mean, dy = p.y - a.mean_y, dn = d / n;
  a.m2 = m.m2 - d * dn * a.n;
  if (a.m2 < 0) a.m2 = 0;
  a.m3 = m.m3 - d * dn * dn * a.n * (a.n - 1) + 3 * dn * a.m2;
  a.m4 = m.m4 - d * dn * dn * dn * a.n * (a.n * a.n - a.n + 1) - 6 * dn * dn * a.m2 + 4 * dn * a.m3;
  a.m2_y = m.m2_y - dy * dy / n * a.n;
  if (a.m2_y < 0) a.m2_y = 0;
  a.sxy = m.sxy - dn * dy * a.n;
  return a;
}

static void *grown(void *p, size_t *room, size_t size) {
  *room = *room ? *room * 2 : 16;
  return reallocate(p, *room * size);
}

void queue_push(Queue *q, Point p) {
  q->newer = merged(q->newer, moments_of(p));
  if (q->subtracts) return;
  if (q->len + q->older_len >= KEPT) {
    Moments all = queue_all(q);
    queue_free(q);
    *q = (Queue){.newer = all, .subtracts = true};
    return;
  }
  if (q->len == q->room) q->rows = grown(q->rows, &q->room, sizeof *q->rows);
  q->rows[q->len++] = p;
}

void queue_pop(Queue *q, Point p) {
  if (q->subtracts) {
    q->newer = without(q->newer, p);
    return;
  }
  if (q->older_len == 0) {
    Moments m = {0};
    while (q->len > 0) {
      m = merged(moments_of(q->rows[--q->len]), m);
      if (q->older_len == q->older_room) q->older = grown(q->older, &q->older_room, sizeof *q->older);
      q->older[q->older_len++] = m;
    }
    q->newer = (Moments){0};
  }
  if (q->older_len > 0) q->older_len--;
}

Moments queue_all(const Queue *q) {
  return q->older_len > 0 ? merged(q->older[q->older_len - 1], q->newer) : q->newer;
}

void queue_free(Queue *q) {
  free(q->rows);
  free(q->older);
}
