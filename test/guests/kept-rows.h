/* Rows in memory, in the order of their rowids. Include it after rows.h. */

enum { COLUMNS = 3 };

typedef struct { int64_t rowid; Value values[COLUMNS]; } Row;
typedef struct { Row *ptr; size_t len; } Rows; /* by rowid */

static inline Rows copy_rows(const Rows *from) {
  Rows to = {room_for(from->len, sizeof(Row)), from->len};
  for (size_t i = 0; i < from->len; i++) {
    to.ptr[i].rowid = from->ptr[i].rowid;
    for (int c = 0; c < COLUMNS; c++) to.ptr[i].values[c] = copy_of(&from->ptr[i].values[c]);
  }
  return to;
}

static inline void drop_row(Row *row) { for (int c = 0; c < COLUMNS; c++) drop_value(&row->values[c]); }

static inline void drop_rows(Rows *rows) {
  for (size_t i = 0; i < rows->len; i++) drop_row(&rows->ptr[i]);
  free(rows->ptr);
  *rows = (Rows){NULL, 0};
}

/* The position of a rowid, or the position to insert it. */
static inline size_t place_of(const Rows *rows, int64_t rowid) {
  size_t at = 0;
  while (at < rows->len && rows->ptr[at].rowid < rowid) at++;
  return at;
}
static inline Row *row_of(const Rows *rows, int64_t rowid) {
  size_t at = place_of(rows, rowid);
  return at < rows->len && rows->ptr[at].rowid == rowid ? &rows->ptr[at] : NULL;
}

static inline void remove_row(Rows *rows, int64_t rowid) {
  Row *row = row_of(rows, rowid);
  if (!row) return;
  drop_row(row);
  memmove(row, row + 1, (--rows->len - (row - rows->ptr)) * sizeof *row);
}

static inline void put_row(Rows *rows, Row row) {
  size_t at = place_of(rows, row.rowid);
  rows->ptr = more_room(rows->ptr, rows->len + 1, sizeof *rows->ptr);
  memmove(&rows->ptr[at + 1], &rows->ptr[at], (rows->len++ - at) * sizeof row);
  rows->ptr[at] = row;
}

