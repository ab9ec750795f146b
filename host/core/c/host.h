/*
** The functions through which the wasm core and its host call each other.
**
** The first half lists every function that the core imports from the host (module "host"); imports.ts implements them
** in the same order. The second half lists the functions that the core exports in addition to SQLite's own; bindings.ts
** has their types.
**
** File offsets and sizes are doubles, which are exact up to 2^53 and need no BigInt. A host function never throws: it
** returns a result code.
*/
#ifndef HOST_H
#define HOST_H
#include "sqlite3.h"

#define IMPORT(name) __attribute__((import_module("host"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

/* ---- Imports: files. vfs is the number of the VFS (see vfs.c). ------------- */

enum { VFS_USUAL, VFS_NONE, VFS_DOTFILE, VFS_EXCL, VFS_NAMEDSEM };
/* Opens zName, or a temporary file that is deleted on close if zName is 0. Returns a file number >= 0
** or the negative of a result code; *pOutFlags receives the flags in effect. */
IMPORT(host_open) int host_open(int vfs, const char *zName, int flags, int *pOutFlags);
IMPORT(host_close) int host_close(int file);
/* Returns SQLITE_OK, SQLITE_IOERR_SHORT_READ (the host sets the rest to zero) or another SQLITE_IOERR code. */
IMPORT(host_read) int host_read(int file, void *p, int n, double offset);
IMPORT(host_write) int host_write(int file, const void *p, int n, double offset);
IMPORT(host_truncate) int host_truncate(int file, double size);
IMPORT(host_sync) int host_sync(int file, int flags);
IMPORT(host_file_size) int host_file_size(int file, double *pSize);
IMPORT(host_lock) int host_lock(int file, int level);
IMPORT(host_unlock) int host_unlock(int file, int level);
IMPORT(host_check_reserved_lock) int host_check_reserved_lock(int file, int *pReserved);
/* Returns SQLITE_NOTFOUND if the host does not know op. */
IMPORT(host_file_control) int host_file_control(int file, int op, void *pArg);
IMPORT(host_device_characteristics) int host_device_characteristics(int file);
/* The first part of xShmMap: opens the WAL index, and extends it to hold the region if extend is not 0. *pnPerMap
** receives the number of regions in one mapping, 0 if the region does not exist. Returns SQLITE_READONLY if the region
** exists but is read-only. */
IMPORT(host_shm_open) int host_shm_open(
  int file, int iRegion, int szRegion, int extend, int readonlyShm, int *pnPerMap);
/* Maps n bytes of the index, starting at offset, to p. p is a multiple of n. */
IMPORT(host_shm_map) int host_shm_map(int file, void *p, int n, int offset);
IMPORT(host_shm_lock) int host_shm_lock(int file, int offset, int n, int flags);
/* xShmUnmap. If it returns SQLITE_OK, the core may free the mapped memory. */
IMPORT(host_shm_close) int host_shm_close(int file, int deleteFlag);
IMPORT(host_delete) int host_delete(const char *zName, int syncDir);
IMPORT(host_access) int host_access(const char *zName, int flags, int *pResult);
IMPORT(host_full_pathname) int host_full_pathname(const char *zName, int nOut, char *zOut);

/* ---- Imports: time, randomness, errors ----------------------------------------------------------- */

IMPORT(host_randomness) int host_randomness(int n, char *p);
IMPORT(host_sleep) int host_sleep(int microseconds);
/* Milliseconds since 1970-01-01 UTC. */
IMPORT(host_now) double host_now(void);
/* Fills sec, min, hour, mday, mon, year, wday, yday, isdst as in struct tm. Returns 0, or 1 if the host
** cannot represent the time. */
IMPORT(host_localtime) int host_localtime(double seconds, int *pFields);
/* Returns the system's error number of the last failed file call, and writes its text to z. */
IMPORT(host_last_error) int host_last_error(int n, char *z);
/* Writes to z why the last file call failed, if it failed with extended result code rc. Returns 0 if it did not. */
IMPORT(host_reason) int host_reason(int rc, int n, char *z);

/* ---- Imports: extensions ------------------------------------------------------------------------- */

/* Reads and checks the file. Returns a library number > 0, or 0 on failure; host_extension_error then gives the
** message. */
IMPORT(host_extension_open) int host_extension_open(const char *zFile);
IMPORT(host_extension_error) void host_extension_error(int n, char *z);
/* Links the library into db. On failure, *pzError is a message from sqlite3_malloc. */
IMPORT(host_extension_init) int host_extension_init(sqlite3 *db, int library, char **pzError);

/* ---- Imports: callbacks. id is a number that the host chose ------------------------------------------- */

/* An SQL value in 16 bytes. bytes is the length of a TEXT or BLOB, and value.p points to its content. */
typedef struct Cell {
  int type;
  int bytes;
  union { double real; sqlite3_int64 integer; const void *p; } value;
} Cell;

/* Calls an SQL function. The arguments are valid until it returns. aCell has one element even without arguments. Returns
** SQLITE_FLOAT if the result is the double in aCell[0], and 0 if the result is already set. */
IMPORT(host_function) int host_function(int id, sqlite3_context *ctx, int argc, Cell *aCell);
/* SQLite released the object behind id: a function, or a connection's client data. */
IMPORT(host_destroy) void host_destroy(int id);
/* The connection with this id in its client data is about to be closed. */
IMPORT(host_closing) void host_closing(int id);
IMPORT(host_table_filter) int host_table_filter(int id, const char *zTable);
IMPORT(host_change_filter) int host_change_filter(int id, sqlite3_changeset_iter *pIter);
IMPORT(host_conflict) int host_conflict(int id, int eConflict, sqlite3_changeset_iter *pIter);
/* Writes at most *pnData bytes to pData and sets *pnData to their number, 0 at the end. */
IMPORT(host_stream_input) int host_stream_input(int id, void *pData, int *pnData);
IMPORT(host_stream_output) int host_stream_output(int id, const void *pData, int nData);
/* Captures: a statement that may change the schema, or edit sqlite_schema, is about to begin. */
IMPORT(host_capture_before) void host_capture_before(int id, sqlite3_stmt *pStmt);
/* Captures: such a statement was run; or a statement failed, rolled back or committed. kind is a CAPTURE_ value; rc is
** the result of the step. */
IMPORT(host_capture_after) void host_capture_after(int id, sqlite3_stmt *pStmt, int kind, int rc);
enum { CAPTURE_OTHER, CAPTURE_SCHEMA, CAPTURE_ROLLBACK };
/* xStep or xInverse of an aggregate. group is the number of its state, 0 for a new group. Returns the number. */
IMPORT(host_step) int host_step(int id, sqlite3_context *ctx, int group, int argc, const Cell *aCell, int inverse);
/* xValue, or xFinal, which ends the group. Returns the group's number, 0 if the group ended. */
IMPORT(host_group_value) int host_group_value(int id, sqlite3_context *ctx, int group, int final);

/* ---- Imports: hooks of a connection, by the id given to bridge_hook ------------------------------- */

/* Returns SQLITE_OK, SQLITE_DENY or SQLITE_IGNORE. */
IMPORT(host_authorize) int host_authorize(int id, int action, const char *z1, const char *z2, const char *zDb,
  const char *zTrigger);
/* Returns non-zero to roll the transaction back instead. */
IMPORT(host_commit) int host_commit(int id);
IMPORT(host_rollback) void host_rollback(int id);
IMPORT(host_update) void host_update(int id, int op, const char *zDb, const char *zTable, sqlite3_int64 rowid);
IMPORT(host_wal) void host_wal(int id, const char *zDb, int nPage);
/* Compares two texts with a collation. */
IMPORT(host_compare) int host_compare(int id, int n1, const void *p1, int n2, const void *p2);

/* Receives the messages of SQLite's error log (SQLITE_CONFIG_LOG). */
IMPORT(host_log) void host_log(int code, const char *zMessage);

/* The memory has grown, which detaches JavaScript's views of it. */
IMPORT(host_grown) void host_grown(void);

/* ---- Imports: virtual tables. On failure *pzErr is a message from sqlite3_malloc -------- */

/* A batch of rows. pBlock has nRow rowids, then the cells of each row. A cell has 16 bytes, in the layout of the WIT
** variant sql-value: the case in byte 0 and the payload at byte 8. The payload of text and blobs is a pointer into this
** memory and a length. The host allocates pBlock with nBlock bytes and uses nUsed of them. It allocates a larger block
** if needed. */
typedef struct Batch { void *pBlock; int nBlock; int nUsed; int nRow; int done; } Batch;

/* Declares the table. Returns its number > 0, or the negative of a result code. */
IMPORT(host_table_connect) int host_table_connect(int id, sqlite3 *db, int create, int argc,
  const char *const*argv, int *pnColumn, char **pzErr);
IMPORT(host_table_disconnect) void host_table_disconnect(int id, int table);
IMPORT(host_table_destroy) int host_table_destroy(int id, int table, char **pzErr);
IMPORT(host_table_best_index) int host_table_best_index(int id, int table, sqlite3_index_info *pInfo,
  char **pzErr);
IMPORT(host_cursor_open) int host_cursor_open(int id, int table, char **pzErr);
IMPORT(host_cursor_close) void host_cursor_close(int id, int cursor);
IMPORT(host_cursor_filter) int host_cursor_filter(int id, int cursor, Batch *pBatch, int idxNum,
  const char *idxStr, int argc, sqlite3_value **argv, int nAsk, char **pzErr);
IMPORT(host_cursor_fetch) int host_cursor_fetch(int id, int cursor, Batch *pBatch, int nAsk, char **pzErr);
IMPORT(host_table_update) int host_table_update(int id, int table, int argc, sqlite3_value **argv,
  sqlite3_int64 *pRowid, char **pzErr);
/* what: 0 begin, 1 sync, 2 commit, 3 rollback, 4 savepoint n, 5 release n, 6 rollback to n. */
IMPORT(host_table_transaction) int host_table_transaction(int id, int table, int what, int n, char **pzErr);
IMPORT(host_table_rename) int host_table_rename(int id, int table, const char *zNew, char **pzErr);
IMPORT(host_table_integrity) int host_table_integrity(int id, int table, int quick, char **pzErr);

/* Returns non-zero if the user wants the running statement to end. The core calls it every 1000 steps of SQLite's
** virtual machine. */
IMPORT(host_interrupted) int host_interrupted(void);
/* A statement of the shell begins (1) or ends (0). */
IMPORT(host_statement) int host_statement(int running);

/* ---- Imports: the shell -------------------------------------------------------------------------- */

/* Returns a line of input without its line end, from sqlite3_malloc; 0 at the end of input. zDirectory is the shell's
** working directory (.cd). */
IMPORT(host_readline) char *host_readline(const char *zPrompt, const char *zDirectory);
IMPORT(host_history_add) int host_history_add(const char *zLine);
IMPORT(host_history_load) int host_history_load(const char *zFile);
IMPORT(host_history_save) int host_history_save(const char *zFile);
IMPORT(host_history_stifle) int host_history_stifle(int n);
IMPORT(host_add_completion) void host_add_completion(const char *zLine);
/* Runs zCommand in the system's shell, in zDirectory. Its input and output are files if zInput and zOutput are not 0.
** Returns the exit status. */
IMPORT(host_system) int host_system(const char *zCommand, const char *zDirectory, const char *zInput,
  const char *zOutput);

/* The processor time of the process in microseconds, in user code and in the system. */
IMPORT(host_cpu_usage) void host_cpu_usage(double *pUser, double *pSystem);
/* The current width of the terminal in columns, 0 if unknown, -1 without a terminal. */
IMPORT(host_columns) int host_columns(void);

/* The permission bits of the file at an absolute path, or of a link's target if follow is not 0; -1 if there is no
** file. */
IMPORT(host_permissions) int host_permissions(const char *zFile, int follow);
/* chmod, mkdir and symlink of POSIX. They return 0 or a WASI error number. */
IMPORT(host_chmod) int host_chmod(const char *zFile, int mode);
IMPORT(host_mkdir) int host_mkdir(const char *zFile, int mode);
IMPORT(host_symlink) int host_symlink(const char *zTo, const char *zFile);

/* Resolves a path against the shell's working directory (.cd), which the host does not know. Without a shell it returns
** zName. */
const char *shell_path(const char *zName, char *zOut, int nOut);

/* ---- Functions shared by these C files ---------------------------------------------------------------- */

/* Whether the running statement on db must end; whether the host has hooks on db. */
int hooks_stopping(sqlite3 *db);
int hooks_watch(sqlite3 *db);
/* Checks for Ctrl-C, and raises SIGINT for the shell. The second function checks only on every 16th call. */
void interrupts_poll(void);
void interrupts_poll_now_and_then(void);
/* Whether the user pressed Ctrl-C since the last call of interrupts_over. */
int interrupts_ending(void);
void interrupts_over(void);
/* Whether the running statement must end because of Ctrl-C, on any connection. A statement that writes continues:
** interrupting it would roll back the whole transaction, and .clone would continue outside a transaction. The shell's
** own connection is always interrupted, as in sqlite3. */
int interrupts_end_statement(void);
/* Whether the running statement of the shell writes; whether the last statement wrote and has finished. */
int shell_writes(void);
int shell_wrote(void);
/* Steps pStmt with xStep. The step also fails if a hook or collation failed. */
int hooks_step(sqlite3_stmt *pStmt, int (*xStep)(sqlite3_stmt*));

/* The connection of the statement that is being stepped, or 0. */
sqlite3 *captures_stepping(void);

/* ---- Exports of bridge.c ------------------------------------------------------------------------- */

/* sqlite3_open_v2. The connection also checks for interrupts while statements run. */
EXPORT(bridge_open) int bridge_open(const char *zFile, sqlite3 **pDb, int flags, const char *zVfs);
/* The current stack pointer. A call that ended with an exception leaves it lower than before. */
EXPORT(bridge_stack) int bridge_stack(void);
/* Sends SQLite's error log to host_log. Call it before SQLite is used. */
EXPORT(bridge_watch_log) int bridge_watch_log(void);
EXPORT(bridge_create_function) int bridge_create_function(
  sqlite3 *db, const char *zName, int nArg, int flags, int id);
enum { HOOK_AUTHORIZE, HOOK_COMMIT, HOOK_ROLLBACK, HOOK_UPDATE, HOOK_WAL };
/* Makes SQLite call the host's hook before the hook of the shell or a program. All hooks of db have the same id. With
** id 0 the host's hook is removed. */
EXPORT(bridge_hook) int bridge_hook(sqlite3 *db, int id, int kind);
/* Makes the running statement fail, and every commit until the transaction is rolled back. It is for callbacks that
** cannot return an error to SQLite. The host's commit and rollback hooks must be set. */
EXPORT(bridge_poison) void bridge_poison(sqlite3 *db, const char *zWhy);
EXPORT(bridge_poisoned) int bridge_poisoned(sqlite3 *db);
EXPORT(bridge_create_collation) int bridge_create_collation(sqlite3 *db, const char *zName, int id);
EXPORT(bridge_create_aggregate) int bridge_create_aggregate(
  sqlite3 *db, const char *zName, int nArg, int flags, int id, int window);
enum { MODULE_EPONYMOUS = 1, MODULE_CREATABLE = 2, MODULE_DIRECT_ONLY = 4, MODULE_INNOCUOUS = 8,
  MODULE_WRITABLE = 16, MODULE_TRANSACTIONAL = 32, MODULE_SAVEPOINTS = 64 };
/* zShadow is the suffixes of shadow tables, each followed by a newline. Returns SQLITE_FULL if there are too many
** different lists. Calls host_destroy on any failure. */
EXPORT(bridge_create_module) int bridge_create_module(
  sqlite3 *db, const char *zName, int id, int options, const char *zShadow);
/* Writes values as Cells. Returns SQLITE_OK or SQLITE_NOMEM. */
EXPORT(bridge_values) int bridge_values(int argc, sqlite3_value **argv, void *pOut);
/* sqlite3_result_int64 in two halves, because JavaScript can pass an i64 only as a BigInt. */
EXPORT(bridge_result_int64) void bridge_result_int64(sqlite3_context *ctx, unsigned low, int high);
/* Sets client data of db. Its destructor calls host_destroy when db is closed; see sqlite3_set_clientdata. */
EXPORT(bridge_watch_close) int bridge_watch_close(sqlite3 *db, int id);
/* Returns the address of a callback of sessions.c, to be passed to a function of the session extension. The callback's
** context is the id of the host's callback object. */
enum { CALLBACK_TABLE_FILTER, CALLBACK_CHANGE_FILTER, CALLBACK_CONFLICT, CALLBACK_STREAM_INPUT,
  CALLBACK_STREAM_OUTPUT, CALLBACK_SESSION_FILTER };
EXPORT(bridge_callback) void *bridge_callback(int which);
/* The filter of a session was changed or removed: asks the host again about tables that the filter refused. */
EXPORT(bridge_forget_filter) void bridge_forget_filter(int id);
/* Reports the statements of db to the captures with this id; id 0 ends that. See captures.c. */
EXPORT(bridge_capture) int bridge_capture(sqlite3 *db, int id);
/* Calls sqlite3_db_config with a boolean option: sets it (0, 1) or reads it (-1). *pState receives the value. */
EXPORT(bridge_db_config) int bridge_db_config(sqlite3 *db, int op, int value, int *pState);
EXPORT(bridge_backup_step) int bridge_backup_step(sqlite3_backup *p, int nPage);
/* Binds n cells to the first n parameters and steps. If the step returns SQLITE_DONE, writes the number of changed rows
** and the last rowid to pOut, as 64-bit integers, and resets the statement. pIn may be pOut. */
EXPORT(bridge_run) int bridge_run(sqlite3_stmt *pStmt, const void *pIn, int n, void *pOut);
/* Writes the current row to pOut as Cells. Returns the number of columns, or -1 if out of memory. */
EXPORT(bridge_row) int bridge_row(sqlite3_stmt *pStmt, void *pOut);
/* Binds n cells to the first n parameters and steps. If there is a row, and SQLite has compiled the statement again
** only nCompiled times, writes the row to pOut as Cells and returns ROW_IN_CELLS. Otherwise returns the result of the
** step, or SQLITE_NOMEM. pIn may be 0 if n is 0. */
EXPORT(bridge_step_row) int bridge_step_row(sqlite3_stmt *pStmt, const void *pIn, int n, void *pOut, int nCompiled);
/* Differs from every result code of SQLite. */
enum { ROW_IN_CELLS = 65636 };
/* Rows that were read ahead. The cells of all rows follow, then the bytes of texts and blobs; the first nText bytes are
** texts. stands is set if the statement's current row did not fit. */
typedef struct RowBatch { int nRow; int nText; int stands; int unused; } RowBatch;
/* The type of a text cell in a RowBatch if the text is ASCII. */
enum { ASCII_TEXT = 259 };
/* The type of a text cell whose bytes stay where they are until the statement is bound again or finalized. */
enum { KEPT_TEXT = 515 };
/* Steps until there are nMost rows, or until the texts and blobs do not fit into the nRoom bytes that follow the cells.
** Returns the result of the last step. */
EXPORT(bridge_rows) int bridge_rows(sqlite3_stmt *pStmt, RowBatch *pBatch, int nMost, int nRoom);
/* These functions pass the destructor SQLITE_TRANSIENT, which JavaScript cannot. */
EXPORT(bridge_bind_text) int bridge_bind_text(sqlite3_stmt *pStmt, int i, const char *p, int n);
EXPORT(bridge_bind_blob) int bridge_bind_blob(sqlite3_stmt *pStmt, int i, const void *p, int n);
EXPORT(bridge_result_copy) void bridge_result_copy(sqlite3_context *ctx, const char *p, int n, int isText);
/* p comes from sqlite3_malloc. SQLite frees it, also on failure. */
EXPORT(bridge_result_text) void bridge_result_text(sqlite3_context *ctx, char *p, double n);
EXPORT(bridge_result_blob) void bridge_result_blob(sqlite3_context *ctx, void *p, double n);
/* Runs the sqlite3 shell in zDirectory. The shell ends with exit(). */
EXPORT(bridge_shell) void bridge_shell(int argc, char **argv, const char *zDirectory);
/* Interrupts the shell after the host itself received a Ctrl-C. */
EXPORT(bridge_interrupt) void bridge_interrupt(void);
/* Asks the shell for completions of zLine. It calls host_add_completion for each. */
EXPORT(bridge_complete) void bridge_complete(const char *zLine);
#endif
