/*
** Digests of blobs and texts: md5(x), sha256(x) and so on, hash(algorithm, x), hash_hex(algorithm, x).
**
** All return blobs, with numbers in big-endian order, except sha1(x), which returns hexadecimal digits as SQLite's own
** extension does. sha1b(x) returns a blob.
*/
#include "sentence.h"
#include "digests.h"

static const struct {
  const char *name;
  Digest *digest;
  size_t len;
} algorithms[] = {
  {"md5", md5_digest, 16},           {"sha1", sha1_digest, 20},         {"sha224", sha224_digest, 28},
  {"sha256", sha256_digest, 32},     {"sha384", sha384_digest, 48},     {"sha512", sha512_digest, 64},
  {"sha3_224", sha3_224_digest, 28}, {"sha3_256", sha3_256_digest, 32}, {"sha3_384", sha3_384_digest, 48},
  {"sha3_512", sha3_512_digest, 64}, {"blake3", blake3_digest, 32},     {"crc32", crc32_digest, 4},
  {"xxh32", xxh32_digest, 4},        {"xxh64", xxh64_digest, 8},        {"xxh3_64", xxh3_64_digest, 8},
  {"xxh3_128", xxh3_128_digest, 16},
};

enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms, SHA1 = 1 };
/* The ids of the functions: the algorithms above, then these. */
enum { SHA1B = ALGORITHMS, HASH, HASH_HEX, FUNCTIONS };

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  WORLD(string_dup)(&ret->name, "hash");
  WORLD(string_dup)(&ret->version, "1.0.0");
}

static const char *name_of(uint64_t id) {
  return id < ALGORITHMS ? algorithms[id].name : id == SHA1B ? "sha1b" : id == HASH ? "hash" : "hash_hex";
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  Function functions[FUNCTIONS];
  for (int i = 0; i < FUNCTIONS; i++) {
    functions[i].name = name_of(i);
    functions[i].args = i == HASH || i == HASH_HEX ? 2 : 1;
    functions[i].options = SCALAR(DETERMINISTIC) | SCALAR(INNOCUOUS);
  }
  describe_functions(functions, FUNCTIONS, ret);
}

/* Finds an algorithm by name, ignoring case; ALGORITHMS if there is none. */
static size_t find(const Value *name) {
  size_t i = 0;
  for (; i < ALGORITHMS; i++) {
    size_t len = strlen(algorithms[i].name), at = 0;
    if (len != name->val.text.len) continue;
    while (at < len && (name->val.text.ptr[at] | 0x20) == (algorithms[i].name[at] | 0x20)) at++;
    if (at == len) break;
  }
  return i;
}

static bool fail_algorithm(Error *err, const char *function, const Value *name) {
  Sentence s = {0};
  add(&s, function);
  add(&s, ": unknown algorithm ");
  add_quoted(&s, &name->val.text);
  add(&s, "; algorithms are ");
  for (size_t i = 0; i < ALGORITHMS; i++) {
    if (i > 0) add(&s, ", ");
    add(&s, algorithms[i].name);
  }
  return fail_with(err, SQLITE_MISUSE, &s);
}

static void give_digest(size_t algorithm, const Value *x, bool hex, Value *ret) {
  size_t len = algorithms[algorithm].len;
  uint8_t *out = allocate(hex ? 2 * len : len);
  algorithms[algorithm].digest(x->val.blob.ptr, x->val.blob.len, out); /* a text has the same shape */
  if (!hex) {
    ret->tag = BLOB;
    ret->val.blob.ptr = out;
    ret->val.blob.len = len;
    return;
  }
  for (size_t i = len; i-- > 0;) {
    uint8_t byte = out[i];
    out[2 * i + 1] = "0123456789abcdef"[byte & 15];
    out[2 * i] = "0123456789abcdef"[byte >> 4];
  }
  ret->tag = TEXT;
  ret->val.text.ptr = out;
  ret->val.text.len = 2 * len;
}

static bool call(uint64_t id, const Value *args, size_t count, Value *ret, Error *err) {
  const Value *x = &args[count - 1];
  size_t algorithm = id == SHA1B ? SHA1 : (size_t)id;
  if (id == HASH || id == HASH_HEX) {
    if (is_null(&args[0])) return give_null(ret);
    if (!is_text(&args[0])) return fail_kind(err, name_of(id), "the algorithm must be text", &args[0]);
    algorithm = find(&args[0]);
    if (algorithm == ALGORITHMS) return fail_algorithm(err, name_of(id), &args[0]);
  }
  if (is_null(x)) return give_null(ret);
  if (!is_text(x) && !is_blob(x)) {
    return fail_kind(err, name_of(id), "the argument must be a blob or text", x);
  }
  give_digest(algorithm, x, id == HASH_HEX || id == SHA1, ret);
  return true;
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  bool done = call(id, args->ptr, args->len, ret, err);
  exports_sqlite_extension_scalar_function_list_sql_value_free(args);
  return done;
}
