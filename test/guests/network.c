/* heard(port): the first bytes from a port of this machine, with wasi:sockets and the canonical ABI. */
#include "minimal.h"
#define WORLD(name) minimal_##name
#include "sentence.h"

#define WASI(module, name) __attribute__((import_module("wasi:" module "@0.2.6"), import_name(name)))

WASI("sockets/instance-network", "instance-network") extern int32_t instance_network(void);
WASI("sockets/tcp-create-socket", "create-tcp-socket") extern void create_tcp_socket(int32_t family, void *out);
/* The address is a variant: its case, then the eleven values of the larger case. */
WASI("sockets/tcp", "[method]tcp-socket.start-connect") extern void start_connect(
  int32_t socket, int32_t network, int32_t ip_case, int32_t port, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t,
  int32_t, int32_t, int32_t, int32_t, void *out);
WASI("sockets/tcp", "[method]tcp-socket.finish-connect") extern void finish_connect(int32_t socket, void *out);
WASI("sockets/tcp", "[method]tcp-socket.subscribe") extern int32_t subscribe(int32_t socket);
WASI("io/poll", "[method]pollable.block") extern void block(int32_t pollable);
WASI("io/streams", "[method]input-stream.blocking-read") extern void blocking_read(
  int32_t stream, int64_t length, void *out);
WASI("io/poll", "[resource-drop]pollable") extern void drop_pollable(int32_t);
WASI("io/streams", "[resource-drop]input-stream") extern void drop_input(int32_t);
WASI("io/streams", "[resource-drop]output-stream") extern void drop_output(int32_t);
WASI("sockets/tcp", "[resource-drop]tcp-socket") extern void drop_socket(int32_t);

enum { WOULD_BLOCK = 8 };

static const Function functions[] = {{"heard", 1, 0}};

void exports_sqlite_extension_metadata_describe(exports_sqlite_extension_metadata_extension_t *ret) {
  minimal_string_dup(&ret->name, "network");
  minimal_string_dup(&ret->version, "1.0.0");
}

void exports_sqlite_extension_scalar_function_describe(
  exports_sqlite_extension_scalar_function_list_function_spec_t *ret
) {
  describe_functions(functions, 1, ret);
}

static bool failed(const char *what, int code, Error *err) {
  Sentence s = {0};
  add(&s, what);
  add(&s, " failed with code ");
  add_unsigned(&s, code);
  return fail_with(err, 1, &s);
}

bool exports_sqlite_extension_scalar_function_call(
  uint64_t id, exports_sqlite_extension_scalar_function_list_sql_value_t *args, Value *ret, Error *err
) {
  (void)id;
  int port = args->ptr[0].val.integer;
  struct { uint8_t is_err; int32_t value, other; } out; /* of result<handle(s), error-code>: the code is a byte */
  struct { uint8_t is_err; uint8_t *ptr; uint32_t len; } bytes;
#define CODE (*(uint8_t *)&out.value)
  create_tcp_socket(0, &out);
  if (out.is_err) return failed("create-tcp-socket", CODE, err);
  int32_t socket = out.value;
  uint8_t started[2];
  start_connect(socket, instance_network(), 0, port, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, started);
  if (started[0]) return failed("start-connect", started[1], err);
  for (;;) {
    finish_connect(socket, &out);
    if (!out.is_err) break;
    if (CODE != WOULD_BLOCK) return failed("finish-connect", CODE, err);
    int32_t pollable = subscribe(socket);
    block(pollable);
    drop_pollable(pollable);
  }
  blocking_read(out.value, 100, &bytes);
  drop_input(out.value);
  drop_output(out.other);
  drop_socket(socket);
  if (bytes.is_err) return failed("blocking-read", 0, err);
  ret->tag = SQLITE_EXTENSION_TYPES_SQL_VALUE_TEXT;
  ret->val.text.ptr = bytes.ptr;
  ret->val.text.len = bytes.len;
  return true;
}
