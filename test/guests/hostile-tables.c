/*
** Tables that violate the canonical ABI and the rules of plans and batches in every way that a component can. It uses no
** bindings, which would prevent this. hostile_mode(100 * F + K) makes function F do K from then on: below 20 a fault of
** any result, from 20 on a fault of that function. In mode 0 there is a table `wild` of three rows, and `shifty` for
** CREATE VIRTUAL TABLE, which stores nothing.
*/
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name("sqlite:extension/" name)))
#define POST(name) \
  __attribute__((export_name("cabi_post_sqlite:extension/" name))) void name_of_post(__LINE__)(uint32_t result) { \
    (void)result; \
    if (postTraps) __builtin_trap(); \
  }
#define joined(a, b) a##b
#define name_of(a, b) joined(a, b)
#define name_of_post(line) name_of(post, line)

typedef struct { uint32_t at, length; } Pair;
typedef struct { uint64_t tag; union { int64_t integer; double real; Pair pair; } as; } Value;
/* result<T, sqlite-error> in which T has no 64-bit numbers. */
typedef struct {
  uint32_t tag;
  union {
    struct { int32_t code, extended; Pair message; } error;
    struct { uint32_t table; Pair declaration; } schema;
    struct { Pair rowids, values; uint32_t done; } batch;
    struct { uint32_t some; Pair text; } sentence;
    uint32_t number;
  } as;
} Result;
typedef struct { uint64_t tag; union { int64_t integer; struct { int32_t code, extended; Pair message; } error; } as; }
  Wide;
typedef struct {
  uint64_t tag;
  union {
    struct { int32_t code, extended; Pair message; } error;
    struct {
      uint64_t some;
      Pair usages;
      int32_t number;
      Pair text;
      uint32_t ordered;
      double cost;
      uint64_t rows;
      uint64_t unique;
    } plan;
  } as;
} Planned;
typedef struct { uint32_t argument; uint8_t omit, all; } Usage;
typedef struct { int32_t column; uint8_t op, usable, isIn; uint8_t rest[25]; } Constraint; /* rest: the value */

enum {
  CONNECT = 1, DESTROY, BEST_INDEX, OPEN, FILTER, FETCH, INSERT, UPDATE, DELETE, BEGIN, SYNC, SAVEPOINT, RELEASE,
  ROLLBACK_TO, RENAME, INTEGRITY, DISCONNECT, CLOSE, COMMIT, ROLLBACK
};
enum { FAR = 0xfffffff0u, PAGE = 65536, COLUMNS = 4 };

static int mode, reallocMode, postTraps;
static uint8_t heap[PAGE] __attribute__((aligned(16)));
static uint32_t used;

static uint32_t address(const void *p) { return (uint32_t)(uintptr_t)p; }
static Pair text(const char *s) {
  uint32_t n = 0;
  while (s[n]) n++;
  return (Pair){address(s), n};
}
static uint32_t grown(uint32_t pages) { return (uint32_t)__builtin_wasm_memory_grow(0, pages) * PAGE; }
static int special(int function) { return mode / 100 == function ? mode % 100 : 0; }

__attribute__((export_name("cabi_realloc"))) uint32_t cabi_realloc(
  uint32_t old, uint32_t oldSize, uint32_t align, uint32_t size
) {
  (void)old, (void)oldSize;
  switch (reallocMode) {
    case 1: return FAR;
    case 2: return address(heap) + 1;
    case 3: return 0;
    case 4: return address(heap);
    case 5: return grown(1 + size / PAGE);
    case 6: __builtin_trap();
  }
  used = (used + align - 1) & ~(align - 1);
  if (used + size > sizeof heap) used = 0;
  if (size > sizeof heap) return grown(1 + size / PAGE);
  used += size;
  return address(heap) + used - size;
}

static volatile int deep;
static int recurse(int n) {
  volatile char room[16];
  room[0] = (char)n;
  deep = recurse(n + 1) + room[0];
  return deep;
}

/* Makes a fault of any result. `error` is the address of the error in this kind of result. */
static uint32_t answer(int function, void *result, uint32_t *tag, int32_t *error, uint32_t size) {
  Pair *message = (Pair *)(error + 2);
  switch (special(function)) {
    case 1: return FAR;
    case 2: return address(result) + 1;
    case 3: *tag = 7; break;
    case 4: *tag = 1, error[0] = error[1] = 1, *message = (Pair){FAR, 9}; break;
    case 5: *tag = 1, error[0] = error[1] = 1, *message = (Pair){address("\xff\xfe"), 2}; break;
    case 6: *tag = 1, error[0] = error[1] = 101, *message = text("done"); break;
    case 7: *tag = 1, error[0] = error[1] = -7, *message = text("negative"); break;
    case 8: __builtin_trap();
    case 9: return recurse(0);
    case 10: grown(2); break;
    case 11: postTraps = 1; break;
    case 12: return (uint32_t)__builtin_wasm_memory_size(0) * PAGE - size + 8;
    case 13: *tag = 1, error[0] = error[1] = 0, *message = text("success"); break;
    case 14: *tag = 1, error[0] = error[1] = 1, *message = (Pair){1024, 0xffffffff}; break;
  }
  return address(result);
}

static Result plain;
static Wide wide;

/* Returns a result without a value, or with a number. */
static uint32_t give(int function, uint32_t number) {
  plain = (Result){.as.number = number};
  return answer(function, &plain, &plain.tag, &plain.as.error.code, 20);
}

EXPORT("metadata@" CONTRACT "#describe") uint32_t metadata_describe(void) {
  static Pair described[2];
  described[0] = text("hostile-tables");
  described[1] = text("1.0.0");
  return address(described);
}

EXPORT("scalar-function@" CONTRACT "#describe") uint32_t scalar_describe(void) {
  static struct { uint64_t id; Pair name; int32_t args; uint32_t options; } spec;
  static Pair list;
  spec.name = text("hostile_mode");
  spec.args = 1;
  list = (Pair){address(&spec), 1};
  return address(&list);
}

EXPORT("scalar-function@" CONTRACT "#call") uint32_t call(uint64_t id, Value *args, uint32_t count) {
  static struct { uint64_t tag; Value value; } result;
  (void)id, (void)count;
  mode = (int)args[0].as.integer;
  postTraps = reallocMode = 0;
  if (mode >= 9000) reallocMode = mode % 10;
  result.value = (Value){.tag = 1, .as.integer = mode};
  return address(&result);
}

/* ---- Tables ----------------------------------------------------------------------------------------- */

EXPORT("virtual-table@" CONTRACT "#describe") uint32_t describe(void) {
  static struct { uint64_t id; Pair name; uint32_t options; Pair shadows; } specs[2];
  static Pair list;
  specs[0].name = text("wild");
  specs[0].options = 1; /* eponymous */
  specs[1].id = 1;
  specs[1].name = text("shifty");
  specs[1].options = 2 | 16 | 32 | 64; /* creatable, writable, transactional, savepoints */
  list = (Pair){address(specs), 2};
  return address(&list);
}

static char wide_declaration[16384];

EXPORT("virtual-table@" CONTRACT "#connect") uint32_t connect(uint64_t module, uint32_t kind, uint32_t args, uint32_t count) {
  (void)kind, (void)args, (void)count;
  static const char *const declarations[] = {
    "CREATE TABLE x(a", "SELECT 1", "CREATE TABLE x AS SELECT 1 AS a", "CREATE TABLE x(a) WITHOUT ROWID",
    "CREATE VIEW x AS SELECT 1", "", "CREATE TABLE x(a, b AS (a))", "CREATE TABLE x(a); DROP TABLE t",
    "CREATE TABLE x(a PRIMARY KEY, b) WITHOUT ROWID", "CREATE TABLE x(a CHECK (a IN (SELECT 1)))",
  };
  plain = (Result){.as.schema = {(uint32_t)module, text("CREATE TABLE x(a, b, c, p HIDDEN)")}};
  Pair *declaration = &plain.as.schema.declaration;
  int what = special(CONNECT);
  if (what >= 30 && what < 40) *declaration = text(declarations[what - 30]);
  if (what == 20) *declaration = (Pair){FAR, 20};
  if (what == 21) *declaration = (Pair){1024, 0xffffffff};
  if (what == 22) *declaration = (Pair){address("CREATE TABLE x(a\xff)"), 18};
  if (what == 23) *declaration = (Pair){address("CREATE TABLE x(a)\0(b)"), 21};
  if (what == 24) plain.as.schema.table = 0xffffffff;
  if (what == 25) { /* more columns than there may be */
    char *at = wide_declaration;
    for (const char *s = "CREATE TABLE x(c"; *s; s++) *at++ = *s;
    for (int i = 0; i < 2100; i++) {
      *at++ = ',', *at++ = 'c';
      for (int n = 1000; n; n /= 10) *at++ = '0' + i / n % 10;
    }
    *at++ = ')';
    *declaration = text(wide_declaration);
  }
  return answer(CONNECT, &plain, &plain.tag, &plain.as.error.code, 20);
}

#define TRAPS(function) if (special(function) == 8) __builtin_trap()
EXPORT("virtual-table@" CONTRACT "#disconnect") void disconnect(uint32_t table) {
  (void)table;
  TRAPS(DISCONNECT);
}
EXPORT("virtual-table@" CONTRACT "#destroy") uint32_t destroy(uint32_t table) {
  (void)table;
  return give(DESTROY, 0);
}
EXPORT("virtual-table@" CONTRACT "#open") uint32_t open(uint32_t table) { return give(OPEN, table); }
EXPORT("virtual-table@" CONTRACT "#close") void close(uint32_t cursor) {
  (void)cursor;
  TRAPS(CLOSE);
}

EXPORT("virtual-table@" CONTRACT "#best-index") uint32_t best_index(
  uint32_t table, const Constraint *constraints, uint32_t count, uint32_t orders, uint32_t orderCount,
  uint32_t distinct, uint64_t columnsUsed
) {
  (void)table, (void)orders, (void)orderCount, (void)distinct, (void)columnsUsed;
  static Planned result;
  static Usage usages[32];
  for (int i = 0; i < 32; i++) usages[i] = (Usage){0};
  result = (Planned){.as.plan = {.some = 1, .usages = {address(usages), count < 32 ? count : 32}, .cost = 10, .rows = 3}};
  uint32_t next = 0;
  for (uint32_t i = 0; i < count && i < 32; i++) {
    if (constraints[i].usable) usages[i].argument = ++next;
  }
  Pair *list = &result.as.plan.usages;
  switch (special(BEST_INDEX)) {
    case 20: list->at = FAR; break;
    case 21: list->length = 0xffffffff; break;
    case 22: list->length = count + 5; break;
    case 23: usages[0].argument = 3; break;
    case 24: usages[0].argument = 0xffffffff; break;
    case 25: for (uint32_t i = 0; i < 32; i++) usages[i].argument = 1; list->length = 2; break;
    case 26: result.as.plan.cost = __builtin_nan(""); break;
    case 27: result.as.plan.cost = -1e300; break;
    case 28: result.as.plan.cost = __builtin_inf(), result.as.plan.rows = ~0ull; break;
    case 29: for (uint32_t i = 0; i < count; i++) usages[i].argument = i + 1; break;
    case 30: usages[0].all = 1; break;
    case 31: result.as.plan.text = (Pair){address("a\0b"), 3}; break;
    case 32: result.as.plan.text = (Pair){FAR, 3}; break;
    case 33: result.as.plan.text = (Pair){address("\xff\xfe"), 2}; break;
    case 34: result.as.plan.some = 9; break;
    case 35: result.as.plan.ordered = 1; break;
    case 36: result.as.plan.unique = 1; break;
    case 37: list->at += 1; break;
    case 38: result.as.plan.text = (Pair){address("3,,9|1|2,|"), 10}; break;
    case 39: result.as.plan.number = INT32_MIN; break;
    case 40: for (uint32_t i = 0; i < count; i++) usages[i].omit = 255; break;
    case 41: result.as.plan.ordered = 0xff; break;
  }
  return answer(BEST_INDEX, &result, (uint32_t *)&result.tag, &result.as.error.code, 64);
}

/* ---- Rows ------------------------------------------------------------------------------------------- */

static int64_t rowids[1024];
static Value values[1024 * COLUMNS];

static uint32_t give_batch(int function, uint32_t first, uint32_t count, int done) {
  for (uint32_t i = 0; i < 1024; i++) {
    rowids[i] = first + i;
    for (int c = 0; c < COLUMNS; c++) values[COLUMNS * i + c] = (Value){.tag = 1, .as.integer = first + i};
    values[COLUMNS * i + 1] = (Value){.tag = 3, .as.pair = text("abc")};
  }
  plain = (Result){.as.batch = {{address(rowids), count}, {address(values), count * COLUMNS}, done}};
  Pair *ids = &plain.as.batch.rowids, *cells = &plain.as.batch.values;
  Value *one = &values[1];
  switch (special(function)) {
    case 20: cells->length = 5; break;
    case 21: ids->length = 3; break;
    case 22: ids->length = cells->length = 0, plain.as.batch.done = 0; break;
    case 23: ids->length = 1000, cells->length = 1000 * COLUMNS; break;
    case 24: ids->at = FAR; break;
    case 25: cells->at = FAR; break;
    case 26: ids->length = 0xffffffff; break;
    case 27: ids->length = 0x04000000, cells->length = 0x10000000; break;
    case 28: one->tag = 200; break;
    case 29: one->as.pair.at = FAR; break;
    case 30: one->as.pair.length = 0xffffffff; break;
    case 31: one->tag = 4, one->as.pair.length = 0x80000000; break;
    case 32: one->as.pair = (Pair){address("a\xff\xfe"), 3}; break;
    case 33: one->as.pair = (Pair){address(heap), 100}; for (int i = 0; i < 100; i++) heap[i] = 0xc0; break;
    case 34: cells->at += 4; break;
    case 35: ids->at += 4; break;
    case 36: *one = (Value){.tag = 2, .as.real = __builtin_nan("")}; break;
    case 37: /* all of them the same two megabytes */
      for (uint32_t i = 0; i < count * COLUMNS; i++) values[i] = (Value){.tag = 4, .as.pair = {0, 0x200000}};
      grown(32);
      break;
    case 38: plain.as.batch.done = 0; break; /* and so on for ever */
    case 39: ids->length = cells->length = 0, ids->at = cells->at = FAR, plain.as.batch.done = 1; break;
    case 40: one->tag = 0x0300000003ull, one->as.pair = text("tag"); break; /* a case is one byte */
    case 41: plain.as.batch.done = done ? 0xff : 0; break;
  }
  return answer(function, &plain, &plain.tag, &plain.as.error.code, 24);
}

EXPORT("virtual-table@" CONTRACT "#filter") uint32_t filter(
  uint32_t cursor, int32_t number, uint32_t at, uint32_t length, uint32_t args, uint32_t count, uint32_t most
) {
  (void)cursor, (void)number, (void)at, (void)length, (void)args, (void)count, (void)most;
  return give_batch(FILTER, 1, 2, 0);
}
EXPORT("virtual-table@" CONTRACT "#fetch") uint32_t fetch(uint32_t cursor, uint32_t most) {
  (void)cursor, (void)most;
  return give_batch(FETCH, 3, 1, special(FILTER) != 38);
}
POST("virtual-table@" CONTRACT "#filter")
POST("virtual-table@" CONTRACT "#fetch")
POST("virtual-table@" CONTRACT "#connect")
POST("virtual-table@" CONTRACT "#best-index")

/* ---- Changes ---------------------------------------------------------------------------------------- */

EXPORT("writable-table@" CONTRACT "#insert") uint32_t insert(
  uint32_t table, uint32_t some, int64_t rowid, const Value *row, uint32_t count, uint32_t how
) {
  (void)table, (void)row, (void)count, (void)how;
  wide = (Wide){.as.integer = some ? rowid : 77};
  return answer(INSERT, &wide, (uint32_t *)&wide.tag, &wide.as.error.code, 24);
}
EXPORT("writable-table@" CONTRACT "#update") uint32_t update(
  uint32_t table, int64_t rowid, int64_t fresh, uint32_t row, uint32_t count, uint32_t how
) {
  (void)table, (void)rowid, (void)fresh, (void)row, (void)count, (void)how;
  return give(UPDATE, 0);
}
EXPORT("writable-table@" CONTRACT "#delete") uint32_t delete(uint32_t table, int64_t rowid) {
  (void)table, (void)rowid;
  return give(DELETE, 0);
}
POST("writable-table@" CONTRACT "#insert")
POST("writable-table@" CONTRACT "#update")
POST("writable-table@" CONTRACT "#delete")

#define GIVES(name, wit, function) \
  EXPORT("writable-table@" CONTRACT "#" wit) uint32_t name(uint32_t table) { \
    (void)table; \
    return give(function, 0); \
  }
GIVES(begin, "begin", BEGIN)
GIVES(sync, "sync", SYNC)
#define ENDS(name, wit, function) \
  EXPORT("writable-table@" CONTRACT "#" wit) void name(uint32_t table) { \
    (void)table; \
    TRAPS(function); \
  }
ENDS(commit, "commit", COMMIT)
ENDS(rollback, "rollback", ROLLBACK)
#define NUMBERED(name, wit, function) \
  EXPORT("writable-table@" CONTRACT "#" wit) uint32_t name(uint32_t table, int32_t n) { \
    (void)table, (void)n; \
    return give(function, 0); \
  }
NUMBERED(savepoint, "savepoint", SAVEPOINT)
NUMBERED(release, "release", RELEASE)
NUMBERED(rollback_to, "rollback-to", ROLLBACK_TO)

EXPORT("writable-table@" CONTRACT "#rename") uint32_t rename(uint32_t table, uint32_t at, uint32_t length) {
  (void)table, (void)at, (void)length;
  return give(RENAME, 0);
}

EXPORT("writable-table@" CONTRACT "#integrity") uint32_t integrity(uint32_t table, uint32_t quick) {
  (void)table, (void)quick;
  plain = (Result){0};
  int what = special(INTEGRITY);
  if (what >= 20) plain.as.sentence.some = 1, plain.as.sentence.text = text("damaged");
  if (what == 21) plain.as.sentence.some = 9;
  if (what == 22) plain.as.sentence.text.at = FAR;
  if (what == 23) plain.as.sentence.text.length = 0xffffffff;
  if (what == 24) plain.as.sentence.text = (Pair){address("\xff\xfe"), 2};
  if (what == 25) plain.as.sentence.text = (Pair){address("a\0b"), 3};
  return answer(INTEGRITY, &plain, &plain.tag, &plain.as.error.code, 20);
}
POST("writable-table@" CONTRACT "#integrity")
