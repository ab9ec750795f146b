/*
** The whole boundary between the wasm core and its host.
**
** The first half lists every function that the core imports from the host (module "host"); imports.ts
** implements them in the same order. The second half lists what bridge.c exports beside SQLite's own
** functions; bindings.ts types them. Nothing else crosses.
**
** Offsets and sizes of files cross as double: exact to 2^53 and free of BigInt. A host function never
** throws into the core: it returns a result code.
*/
#ifndef HOST_H
#define HOST_H
#include "sqlite3.h"

#define IMPORT(name) __attribute__((import_module("host"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

/* ---- Imports: files. vfs is the number of the VFS the call came through (see vfs.c). ------------- */

enum { VFS_USUAL, VFS_NONE, VFS_DOTFILE, VFS_EXCL, VFS_NAMEDSEM };
/* Opens zName, or a temporary file that is deleted on close if zName is 0. Returns a file number >= 0
** or the negative of a result code; *pOutFlags receives the flags in effect. */
IMPORT(host_open) int host_open(int vfs, const char *zName, int flags, int *pOutFlags);
IMPORT(host_close) int host_close(int file);
/* SQLITE_OK, SQLITE_IOERR_SHORT_READ (the rest is zeroed by the host) or another SQLITE_IOERR. */
IMPORT(host_read) int host_read(int file, void *p, int n, double offset);
IMPORT(host_write) int host_write(int file, const void *p, int n, double offset);
IMPORT(host_truncate) int host_truncate(int file, double size);
IMPORT(host_sync) int host_sync(int file, int flags);
IMPORT(host_file_size) int host_file_size(int file, double *pSize);
IMPORT(host_lock) int host_lock(int file, int level);
IMPORT(host_unlock) int host_unlock(int file, int level);
IMPORT(host_check_reserved_lock) int host_check_reserved_lock(int file, int *pReserved);
/* SQLITE_NOTFOUND if the host does not know op. */
IMPORT(host_file_control) int host_file_control(int file, int op, void *pArg);
IMPORT(host_device_characteristics) int host_device_characteristics(int file);
/* xShmMap, up to the mapping: opens the WAL index, and makes it long enough for the region if extend is not 0. Puts at
** pnPerMap how many regions go into one mapping, 0 if the region is not there. SQLITE_READONLY: it is there, to be
** read only. */
IMPORT(host_shm_open) int host_shm_open(
  int file, int iRegion, int szRegion, int extend, int readonlyShm, int *pnPerMap);
/* Makes the n bytes at p those of the index from offset on. p is a multiple of n. */
IMPORT(host_shm_map) int host_shm_map(int file, void *p, int n, int offset);
IMPORT(host_shm_lock) int host_shm_lock(int file, int offset, int n, int flags);
/* xShmUnmap. After SQLITE_OK the core may free what was mapped. */
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
/* The system's error number of the last failed file call, with its text in z. */
IMPORT(host_last_error) int host_last_error(int n, char *z);
/* Puts why the last file call failed that failed with this extended result code. Returns 0 if there was none. */
IMPORT(host_reason) int host_reason(int rc, int n, char *z);

/* ---- Imports: extensions ------------------------------------------------------------------------- */

/* Reads and checks the file. Returns a library number > 0, or 0: then host_extension_error has the text. */
IMPORT(host_extension_open) int host_extension_open(const char *zFile);
IMPORT(host_extension_error) void host_extension_error(int n, char *z);
/* Links the library into db. On failure *pzError is text from sqlite3_malloc. */
IMPORT(host_extension_init) int host_extension_init(sqlite3 *db, int library, char **pzError);

/* ---- Imports: callbacks. id is a number the host chose ------------------------------------------- */

/* A value as it crosses, 16 bytes: type, bytes, then a number, an integer, or where the bytes of TEXT and BLOB are. */
typedef struct Cell {
  int type;
  int bytes;
  union { double real; sqlite3_int64 integer; const void *p; } value;
} Cell;

/* A function is called with argc arguments, which are there until it returns. */
IMPORT(host_function) void host_function(int id, sqlite3_context *ctx, int argc, const Cell *aCell);
/* SQLite released the object behind id: a function, or a connection's client data. */
IMPORT(host_destroy) void host_destroy(int id);
/* The connection whose client data has this id is about to be closed. */
IMPORT(host_closing) void host_closing(int id);
IMPORT(host_table_filter) int host_table_filter(int id, const char *zTable);
IMPORT(host_change_filter) int host_change_filter(int id, sqlite3_changeset_iter *pIter);
IMPORT(host_conflict) int host_conflict(int id, int eConflict, sqlite3_changeset_iter *pIter);
/* Puts at most *pnData bytes at pData and says in *pnData how many; 0 is the end. */
IMPORT(host_stream_input) int host_stream_input(int id, void *pData, int *pnData);
IMPORT(host_stream_output) int host_stream_output(int id, const void *pData, int nData);
/* Captures: a statement that may change the schema, or edit sqlite_schema, is about to begin. */
IMPORT(host_capture_before) void host_capture_before(int id, sqlite3_stmt *pStmt);
/* It was run; or something failed, was rolled back or committed. kind is one of those below, rc what the step gave. */
IMPORT(host_capture_after) void host_capture_after(int id, sqlite3_stmt *pStmt, int kind, int rc);
enum { CAPTURE_OTHER, CAPTURE_SCHEMA, CAPTURE_ROLLBACK };
/* xStep and xInverse of an aggregate. group is the number of its state, 0 for a new one; returns the number. */
IMPORT(host_step) int host_step(int id, sqlite3_context *ctx, int group, int argc, const Cell *aCell, int inverse);
/* xValue, or xFinal, which ends the group. Returns its number, 0 if it ended. */
IMPORT(host_group_value) int host_group_value(int id, sqlite3_context *ctx, int group, int final);

/* ---- Imports: hooks of a connection, by the id given to bridge_hook ------------------------------- */

/* SQLITE_OK, SQLITE_DENY or SQLITE_IGNORE. */
IMPORT(host_authorize) int host_authorize(int id, int action, const char *z1, const char *z2, const char *zDb,
  const char *zTrigger);
/* Non-zero: the transaction is rolled back instead. */
IMPORT(host_commit) int host_commit(int id);
IMPORT(host_rollback) void host_rollback(int id);
IMPORT(host_update) void host_update(int id, int op, const char *zDb, const char *zTable, sqlite3_int64 rowid);
IMPORT(host_wal) void host_wal(int id, const char *zDb, int nPage);
/* A collation's order of two texts. */
IMPORT(host_compare) int host_compare(int id, int n1, const void *p1, int n2, const void *p2);

/* What SQLite writes to its error log (SQLITE_CONFIG_LOG). */
IMPORT(host_log) void host_log(int code, const char *zMessage);

/* ---- Imports: virtual tables. Those that can fail put text from sqlite3_malloc into *pzErr -------- */

/* Some rows: nRow rowids at pBlock, then the cells of each row, 16 bytes each as a component has them: a byte for the
** case of variant sql-value, and at 8 its payload, which for text and blobs is where they are in this memory, and
** their length. The host allocates pBlock, of nBlock bytes of which it uses nUsed, and again if that is too small. */
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

/* Non-zero: the user asked for the running statement to end. Asked every 1000 steps of the engine. */
IMPORT(host_interrupted) int host_interrupted(void);
/* A statement of the shell begins (1), or comes to its end (0). */
IMPORT(host_statement) int host_statement(int running);

/* ---- Imports: the shell -------------------------------------------------------------------------- */

/* One line without its end, from sqlite3_malloc; 0 at the end of input. zDirectory: where the shell is (.cd). */
IMPORT(host_readline) char *host_readline(const char *zPrompt, const char *zDirectory);
IMPORT(host_history_add) int host_history_add(const char *zLine);
IMPORT(host_history_load) int host_history_load(const char *zFile);
IMPORT(host_history_save) int host_history_save(const char *zFile);
IMPORT(host_history_stifle) int host_history_stifle(int n);
IMPORT(host_add_completion) void host_add_completion(const char *zLine);
/* Runs zCommand in the system's shell, in zDirectory; its input and output are files if those are not 0. Returns
** the exit status. */
IMPORT(host_system) int host_system(const char *zCommand, const char *zDirectory, const char *zInput,
  const char *zOutput);

/* How long the process has computed, in microseconds: in its own code, and in the system. */
IMPORT(host_cpu_usage) void host_cpu_usage(double *pUser, double *pSystem);
/* The columns of the terminal as it is now, 0 if it does not say; -1 without a terminal. */
IMPORT(host_columns) int host_columns(void);

/* The permissions of an absolute path, and of what a link leads to if follow is not 0; -1 without a file. */
IMPORT(host_permissions) int host_permissions(const char *zFile, int follow);
/* As POSIX has them: 0, or an errno of WASI. */
IMPORT(host_chmod) int host_chmod(const char *zFile, int mode);
IMPORT(host_mkdir) int host_mkdir(const char *zFile, int mode);
IMPORT(host_symlink) int host_symlink(const char *zTo, const char *zFile);

/* A path as the shell means it: relative to the directory it is in (.cd), which the host does not know. Without a
** shell zName itself. */
const char *shell_path(const char *zName, char *zOut, int nOut);

/* ---- Among the files of the bridge ---------------------------------------------------------------- */

/* Whether what runs on db must end; whether the host has hooks there. */
int hooks_stopping(sqlite3 *db);
int hooks_watch(sqlite3 *db);
/* Handles a Ctrl-C: the shell is told as by a signal. Now and then: only on some calls, if they are frequent. */
void interrupts_poll(void);
void interrupts_poll_now_and_then(void);
/* Whether the user asked, by Ctrl-C, that everything ends; reset by interrupts_over. */
int interrupts_ending(void);
void interrupts_over(void);
/* Whether the running statement must end because of that, on any connection. A statement that writes goes on: if
** it were interrupted, SQLite would undo the whole transaction, and .clone would continue without one. The shell's
** own connection is interrupted in any case, as sqlite3 does it. */
int interrupts_end_statement(void);
/* Whether the statement of the shell that runs writes; whether the last one wrote, and is done. */
int shell_writes(void);
int shell_wrote(void);
/* A step of pStmt by xStep, which fails if a hook or collation did. */
int hooks_step(sqlite3_stmt *pStmt, int (*xStep)(sqlite3_stmt*));

/* The connection of the statement that is being stepped; 0: none is. */
sqlite3 *captures_stepping(void);

/* ---- Exports of bridge.c ------------------------------------------------------------------------- */

/* sqlite3_open_v2, and what every connection of ours gets: the interrupt poll. */
EXPORT(bridge_open) int bridge_open(const char *zFile, sqlite3 **pDb, int flags, const char *zVfs);
/* Where the stack is: a call that an exception ended leaves it lower than before. */
EXPORT(bridge_stack) int bridge_stack(void);
/* Has the host see SQLite's error log. Before SQLite is used. */
EXPORT(bridge_watch_log) int bridge_watch_log(void);
EXPORT(bridge_create_function) int bridge_create_function(
  sqlite3 *db, const char *zName, int nArg, int flags, int id);
enum { HOOK_AUTHORIZE, HOOK_COMMIT, HOOK_ROLLBACK, HOOK_UPDATE, HOOK_WAL };
/* Puts the host in front of the current and future users of a hook's slot; the id is one for all hooks of db. With id 0 it
** leaves the slot. */
EXPORT(bridge_hook) int bridge_hook(sqlite3 *db, int id, int kind);
/* Makes the statement that runs fail, and every commit until the transaction was rolled back: for a callback that
** fails where SQLite accepts no error. The host must be in front in the slots of commit and rollback. */
EXPORT(bridge_poison) void bridge_poison(sqlite3 *db, const char *zWhy);
EXPORT(bridge_poisoned) int bridge_poisoned(sqlite3 *db);
EXPORT(bridge_create_collation) int bridge_create_collation(sqlite3 *db, const char *zName, int id);
EXPORT(bridge_create_aggregate) int bridge_create_aggregate(
  sqlite3 *db, const char *zName, int nArg, int flags, int id, int window);
enum { MODULE_EPONYMOUS = 1, MODULE_CREATABLE = 2, MODULE_DIRECT_ONLY = 4, MODULE_INNOCUOUS = 8,
  MODULE_WRITABLE = 16, MODULE_TRANSACTIONAL = 32, MODULE_SAVEPOINTS = 64 };
/* zShadow: the suffixes of shadow tables, a newline after each. SQLITE_FULL if there are too many such lists. On
** any failure host_destroy is called too. */
EXPORT(bridge_create_module) int bridge_create_module(
  sqlite3 *db, const char *zName, int id, int options, const char *zShadow);
/* Values as Cells. */
/* SQLITE_OK or SQLITE_NOMEM. */
EXPORT(bridge_values) int bridge_values(int argc, sqlite3_value **argv, void *pOut);
/* sqlite3_result_int64 without an i64, which JavaScript could pass only as a BigInt. */
EXPORT(bridge_result_int64) void bridge_result_int64(sqlite3_context *ctx, unsigned low, int high);
/* Client data whose release tells the host that db is closing; see sqlite3_set_clientdata. */
EXPORT(bridge_watch_close) int bridge_watch_close(sqlite3 *db, int id);
/* The address of a callback of sessions.c, to pass to a function of the session extension; its context is then
** the number of the callback object. */
enum { CALLBACK_TABLE_FILTER, CALLBACK_CHANGE_FILTER, CALLBACK_CONFLICT, CALLBACK_STREAM_INPUT,
  CALLBACK_STREAM_OUTPUT, CALLBACK_SESSION_FILTER };
EXPORT(bridge_callback) void *bridge_callback(int which);
/* The filter of a session changed, or is gone: tables that it refused are asked about again. */
EXPORT(bridge_forget_filter) void bridge_forget_filter(int id);
/* Tells the captures behind id of what db runs from now on; 0 ends that. See captures.c. */
EXPORT(bridge_capture) int bridge_capture(sqlite3 *db, int id);
/* One sqlite3_db_config verb with a boolean: sets it (0, 1) or asks (-1); *pState receives the state. */
EXPORT(bridge_db_config) int bridge_db_config(sqlite3 *db, int op, int value, int *pState);
EXPORT(bridge_backup_step) int bridge_backup_step(sqlite3_backup *p, int nPage);
/* Binds n cells to the parameters in their order and steps. If no row is left: writes the rows changed and the last rowid,
** two 64-bit integers, to pOut, and resets. pIn may be pOut. */
EXPORT(bridge_run) int bridge_run(sqlite3_stmt *pStmt, const void *pIn, int n, void *pOut);
/* The current row as Cells at pOut. Returns the number of columns, or -1 if there is no memory for a text or blob. */
EXPORT(bridge_row) int bridge_row(sqlite3_stmt *pStmt, void *pOut);
/* Binds n cells to the parameters in their order and steps. If there is a row, and SQLite did not compile the statement
** again (it has done so nCompiled times): writes the row as Cells at pOut and returns ROW_IN_CELLS. Otherwise what the
** step gave, or SQLITE_NOMEM. pIn may be 0 if n is. */
EXPORT(bridge_step_row) int bridge_step_row(sqlite3_stmt *pStmt, const void *pIn, int n, void *pOut, int nCompiled);
/* No result code of SQLite. */
enum { ROW_IN_CELLS = 65636 };
/* Rows that were read ahead. Their cells follow, a row after the other, and then the bytes of texts and blobs: the first
** nText bytes are texts. stands: the statement is at one more row, which did not fit. */
typedef struct RowBatch { int nRow; int nText; int stands; int unused; } RowBatch;
/* The type of a cell in a batch whose text is ASCII. */
enum { ASCII_TEXT = 259 };
/* Steps until there are nMost rows, or the texts and blobs do not fit into nRoom bytes, which follow the cells. Returns what
** the last step gave. */
EXPORT(bridge_rows) int bridge_rows(sqlite3_stmt *pStmt, RowBatch *pBatch, int nMost, int nRoom);
/* The destructor SQLITE_TRANSIENT and the address of free cannot be named from outside. */
EXPORT(bridge_bind_text) int bridge_bind_text(sqlite3_stmt *pStmt, int i, const char *p, int n);
EXPORT(bridge_bind_blob) int bridge_bind_blob(sqlite3_stmt *pStmt, int i, const void *p, int n);
EXPORT(bridge_result_copy) void bridge_result_copy(sqlite3_context *ctx, const char *p, int n, int isText);
/* p comes from sqlite3_malloc and is SQLite's from here on, on failure too. */
EXPORT(bridge_result_text) void bridge_result_text(sqlite3_context *ctx, char *p, double n);
EXPORT(bridge_result_blob) void bridge_result_blob(sqlite3_context *ctx, void *p, double n);
/* Runs the sqlite3 shell in zDirectory; it ends by exit(). argv is argc pointers to text. */
EXPORT(bridge_shell) void bridge_shell(int argc, char **argv, const char *zDirectory);
/* Tells the shell of a Ctrl-C that the host has heard itself. */
EXPORT(bridge_interrupt) void bridge_interrupt(void);
/* Asks the shell for completions of zLine; each comes back through host_add_completion. */
EXPORT(bridge_complete) void bridge_complete(const char *zLine);
#endif
