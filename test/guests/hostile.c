/*
** Violates the canonical ABI in every way that a component can. It uses no bindings, which would prevent this.
** `hostile(n)` runs case n below. The tests change the byte after "MODE:" to make its descriptions hostile.
*/
#include <stdint.h>

#define EXTENSION "sqlite:extension/"
#define IMPORT(interface, name) \
  __attribute__((import_module(EXTENSION interface "@" CONTRACT), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

typedef struct { uint32_t at, length; } Pair;
typedef struct { uint64_t tag; union { int64_t integer; Pair pair; } as; } Value;
typedef struct { uint64_t tag; union { Value value; struct { int32_t code, extended; Pair message; } error; } as; }
  Result;

IMPORT("session", "create") void session_create(uint32_t name, uint32_t length, uint32_t result);
IMPORT("changeset", "create") void changeset_create(uint32_t result);
IMPORT("changeset", "append") void changeset_append(int32_t held, uint32_t at, uint32_t length, uint32_t result);
IMPORT("logging", "log") void log_message(int32_t level, uint32_t at, uint32_t length);
IMPORT("spi", "execute") void spi_execute(uint32_t at, uint32_t length, uint32_t params, uint32_t count,
  uint32_t result);
IMPORT("spi", "run") void spi_run(uint32_t at, uint32_t length, uint32_t result);

enum { FAR = 0xfffffff0u, PAGE = 65536 };

static volatile struct { char label[5]; char mode; } setting = {{'M', 'O', 'D', 'E', ':'}, '0'};

static uint8_t heap[PAGE] __attribute__((aligned(16)));
static uint32_t used;
/* What the next cabi_realloc does: 0 works correctly, else one of REALLOC_. */
static int reallocMode, postMode;
enum { REALLOC_FAR = 1, REALLOC_ODD, REALLOC_NULL, REALLOC_SAME, REALLOC_GROW, REALLOC_TRAP, REALLOC_CALL };

static uint32_t address(const void *p) { return (uint32_t)(uintptr_t)p; }

EXPORT("cabi_realloc") uint32_t cabi_realloc(uint32_t old, uint32_t oldSize, uint32_t align, uint32_t size) {
  (void)old, (void)oldSize;
  static uint64_t out[8];
  switch (reallocMode) {
    case REALLOC_FAR: return FAR;
    case REALLOC_ODD: return address(heap) + 1;
    case REALLOC_NULL: return 0;
    case REALLOC_SAME: return address(heap);
    case REALLOC_GROW: return (uint32_t)__builtin_wasm_memory_grow(0, 1 + size / PAGE) * PAGE;
    case REALLOC_TRAP: __builtin_trap();
    case REALLOC_CALL:
      reallocMode = 0;
      spi_execute(address("SELECT 1, 'x'"), 13, 0, 0, address(out));
      reallocMode = REALLOC_CALL;
  }
  used = (used + align - 1) & ~(align - 1);
  if (used + size > sizeof heap) used = 0;
  if (size > sizeof heap) return (uint32_t)__builtin_wasm_memory_grow(0, 1 + size / PAGE) * PAGE;
  used += size;
  return address(heap) + used - size;
}

EXPORT(EXTENSION "metadata@" CONTRACT "#describe") uint32_t metadata_describe(void) {
  static Pair described[2];
  described[0] = (Pair){address("hostile"), 7};
  described[1] = (Pair){address("1.0.0"), 5};
  switch (setting.mode) {
    case 'a': return FAR;
    case 'b': described[0].at = FAR; break;
    case 'c': described[0].length = 0x7fffffff; break;
    case 'd': __builtin_trap();
    case 'e': for (;;) used++, setting.mode; /* never ends: for the tests of time */
  }
  return address(described);
}

EXPORT(EXTENSION "scalar-function@" CONTRACT "#describe") uint32_t scalar_describe(void) {
  static struct { uint64_t id; Pair name; int32_t args; uint32_t options; } spec;
  static Pair list;
  spec.name = (Pair){address("hostile"), 7};
  spec.args = -1;
  list = (Pair){address(&spec), 1};
  switch (setting.mode) {
    case 'k': return FAR;
    case 'l': list.at = FAR; break;
    case 'm': list.length = 0x0fffffff; break;
    case 'n': spec.name.at = FAR; break;
    case 'o': spec.name.length = 0xffffffff; break;
    case 'p': spec.args = 2000; break;
    case 'q': spec.name.length = 0; break;
    case 'r': spec.name = (Pair){address("a\0b"), 3}; break;
    case 's': spec.options = 0xff; break;
    case 't': list.at = address(&spec) + 1; break;
    case 'u': { /* a million functions */
      typedef __typeof__(spec) Spec;
      uint32_t count = 1000000, pages = (count * sizeof(Spec)) / PAGE + 1;
      Spec *many = (Spec *)(uintptr_t)(__builtin_wasm_memory_grow(0, pages) * PAGE);
      for (uint32_t i = 0; i < count; i++) many[i] = (Spec){i, spec.name, 1, 0};
      list = (Pair){address(many), count};
      break;
    }
    case 'v': for (;;) used++, setting.mode;
  }
  return address(&list);
}

static volatile int deep;
static int recurse(int n) {
  volatile char room[16];
  room[0] = (char)n;
  deep = recurse(n + 1) + room[0];
  return deep;
}

static uint64_t fill(void (*make)(uint32_t)) {
  static uint64_t out[8];
  uint64_t made = 0;
  do make(address(out)), made++; while ((uint8_t)out[0] == 0 && made < 2000000);
  return made - 1;
}
static void make_session(uint32_t out) { session_create(address("main"), 4, out); }

EXPORT(EXTENSION "scalar-function@" CONTRACT "#call") uint32_t call(uint64_t id, Value *args, uint32_t count) {
  static Result result;
  static uint64_t out[16];
  static Value odd;
  (void)id;
  reallocMode = postMode = 0;
  result = (Result){.as.value = {.tag = 1, .as.integer = 1}};
  Value *value = &result.as.value;
  switch (count > 0 ? (int)args[0].as.integer : 0) {
    case 1: return FAR;
    case 2: return address(&result) + 1;
    case 3: value->tag = 3; value->as.pair = (Pair){FAR, 5}; break;
    case 4: value->tag = 3; value->as.pair = (Pair){1024, 0xffffffff}; break;
    case 5: value->tag = 4; value->as.pair = (Pair){1024, 0x80000000}; break;
    case 6: result.tag = 7; break;
    case 7: value->tag = 200; break;
    case 8: value->tag = 3; value->as.pair = (Pair){address("a\xff\xfe"), 3}; break;
    case 9: result.tag = 1; result.as.error.message = (Pair){FAR, 9}; break;
    case 10: result.tag = 1; result.as.error.message = (Pair){address("\xff\xfe"), 2}; break;
    case 11: result.tag = 1; result.as.error.code = result.as.error.extended = 101; break;
    case 12: result.tag = 1; result.as.error.code = result.as.error.extended = -7; break;
    case 13: __builtin_trap();
    case 14: recurse(0); break;
    case 15: postMode = 1; break;
    case 16: __builtin_wasm_memory_grow(0, 3); break;
    case 17: for (;;) used++, setting.mode;
    case 20: case 21: case 22: case 23: case 24: case 25: case 26:
      reallocMode = (int)args[0].as.integer - 19;
      if (reallocMode == REALLOC_CALL) break;
      break;
    case 30: session_create(FAR, 8, address(out)); break;
    case 31: session_create(address("main"), 0xffffffff, address(out)); break;
    case 32: session_create(address("\xff\xfe"), 2, address(out)); break;
    case 33: session_create(address("main"), 4, FAR); break;
    case 34: spi_execute(address("SELECT ?1"), 9, FAR, 1, address(out)); break;
    case 35: spi_execute(address("SELECT ?1"), 9, 1024, 0xffffffff, address(out)); break;
    case 36: odd.tag = 9; spi_execute(address("SELECT ?1"), 9, address(&odd), 1, address(out)); break;
    case 37: spi_execute(FAR, 9, 0, 0, address(out)); break;
    case 38: spi_execute(address("SELECT 1"), 8, 0, 0, FAR); break;
    case 39: spi_run(address("SELECT '\xff'"), 10, address(out)); break;
    case 40: log_message(1, FAR, 100); break;
    case 41: log_message(99, address("x"), 1); break;
    case 42: value->as.integer = fill(make_session); break;
    case 43: value->as.integer = fill(changeset_create); break;
    case 44: changeset_append(77, FAR, 100, address(out)); break;
    case 45: odd = (Value){3, .as.pair = {FAR, 4}}; spi_execute(address("SELECT ?1"), 9, address(&odd), 1, address(out));
      break;
    case 46: odd = (Value){3, .as.pair = {address("\xff"), 1}};
      spi_execute(address("SELECT ?1"), 9, address(&odd), 1, address(out));
      break;
    /* The host stores the result of a query here with a hostile cabi_realloc. */
    case 50: case 51: case 52: case 53: case 54: case 55: case 56:
      reallocMode = (int)args[0].as.integer - 49;
      spi_execute(address("SELECT 1, 'text', x'00ff', 2.5"), 30, 0, 0, address(out));
      reallocMode = 0;
      break;
  }
  return address(&result);
}

EXPORT("cabi_post_" EXTENSION "scalar-function@" CONTRACT "#call") void post_call(uint32_t result) {
  (void)result;
  if (postMode) __builtin_trap();
}
