/** The result codes, types and flags that the host uses (sqlite3.h), by their C names. */

export const SQLITE_OK = 0;
export const SQLITE_ERROR = 1;
export const SQLITE_ABORT = 4;
export const SQLITE_ABORT_ROLLBACK = 516;
export const SQLITE_BUSY = 5;
export const SQLITE_BUSY_RECOVERY = 261;
export const SQLITE_LOCKED = 6;
export const SQLITE_IOERR = 10;
export const SQLITE_NOMEM = 7;
export const SQLITE_READONLY = 8;
export const SQLITE_READONLY_CANTINIT = 1288;
export const SQLITE_INTERRUPT = 9;
export const SQLITE_CORRUPT = 11;
export const SQLITE_NOTFOUND = 12;
export const SQLITE_FULL = 13;
export const SQLITE_CANTOPEN = 14;
export const SQLITE_SCHEMA = 17;
export const SQLITE_TOOBIG = 18;
export const SQLITE_CONSTRAINT = 19;
export const SQLITE_MISMATCH = 20;
export const SQLITE_MISUSE = 21;
export const SQLITE_AUTH = 23;
export const SQLITE_PERM = 3;
export const SQLITE_NOTICE = 27;
export const SQLITE_ROW = 100;
export const SQLITE_DONE = 101;
export const SQLITE_OK_LOAD_PERMANENTLY = 256;

export const SQLITE_IOERR_READ = 266;
export const SQLITE_IOERR_SHORT_READ = 522;
export const SQLITE_IOERR_WRITE = 778;
export const SQLITE_IOERR_FSYNC = 1034;
export const SQLITE_IOERR_DIR_FSYNC = 1290;
export const SQLITE_IOERR_TRUNCATE = 1546;
export const SQLITE_IOERR_FSTAT = 1802;
export const SQLITE_IOERR_UNLOCK = 2058;
export const SQLITE_IOERR_RDLOCK = 2314;
export const SQLITE_IOERR_DELETE = 2570;
export const SQLITE_IOERR_CHECKRESERVEDLOCK = 3594;
export const SQLITE_IOERR_LOCK = 3850;
export const SQLITE_IOERR_CLOSE = 4106;
export const SQLITE_IOERR_SHMOPEN = 4618;
export const SQLITE_IOERR_SHMSIZE = 4874;
export const SQLITE_IOERR_SHMLOCK = 5130;
export const SQLITE_IOERR_SHMMAP = 5386;
export const SQLITE_IOERR_DELETE_NOENT = 5898;
export const SQLITE_IOERR_GETTEMPPATH = 6410;
export const SQLITE_CANTOPEN_ISDIR = 526;
export const SQLITE_CANTOPEN_FULLPATH = 782;
export const SQLITE_CANTOPEN_SYMLINK = 1550;

export const SQLITE_INTEGER = 1;
export const SQLITE_FLOAT = 2;
export const SQLITE_TEXT = 3;
export const SQLITE_BLOB = 4;
export const SQLITE_NULL = 5;

export const SQLITE_OPEN_READONLY = 0x1;
export const SQLITE_OPEN_READWRITE = 0x2;
export const SQLITE_OPEN_CREATE = 0x4;
export const SQLITE_OPEN_DELETEONCLOSE = 0x8;
export const SQLITE_OPEN_EXCLUSIVE = 0x10;
export const SQLITE_OPEN_URI = 0x40;
export const SQLITE_OPEN_MAIN_DB = 0x100;
export const SQLITE_OPEN_WAL = 0x80000;
export const SQLITE_OPEN_NOFOLLOW = 0x1000000;

export const SQLITE_ACCESS_EXISTS = 0;
export const SQLITE_ACCESS_READWRITE = 1;

export const SQLITE_LOCK_NONE = 0;
export const SQLITE_LOCK_SHARED = 1;
export const SQLITE_LOCK_RESERVED = 2;
export const SQLITE_LOCK_PENDING = 3;

export const SQLITE_SHM_UNLOCK = 1;
export const SQLITE_SHM_SHARED = 4;

export const SQLITE_IOCAP_POWERSAFE_OVERWRITE = 0x1000;

export const SQLITE_FCNTL_SIZE_HINT = 5;
export const SQLITE_FCNTL_HAS_MOVED = 20;

export const SQLITE_PREPARE_PERSISTENT = 0x1;

export const SQLITE_DETERMINISTIC = 0x800;
export const SQLITE_DIRECTONLY = 0x80000;
export const SQLITE_INNOCUOUS = 0x200000;

export const SQLITE_DBCONFIG_ENABLE_FKEY = 1002;
export const SQLITE_DBCONFIG_ENABLE_TRIGGER = 1003;
export const SQLITE_DBCONFIG_DEFENSIVE = 1010;
export const SQLITE_DBCONFIG_WRITABLE_SCHEMA = 1011;
export const SQLITE_DBCONFIG_LEGACY_ALTER_TABLE = 1012;
export const SQLITE_DBCONFIG_DQS_DML = 1013;
export const SQLITE_DBCONFIG_DQS_DDL = 1014;

export const SQLITE_CHANGESET_DATA = 1;
export const SQLITE_CHANGESET_NOTFOUND = 2;
export const SQLITE_CHANGESET_CONFLICT = 3;
export const SQLITE_CHANGESET_CONSTRAINT = 4;
export const SQLITE_CHANGESET_FOREIGN_KEY = 5;
export const SQLITE_CHANGESET_OMIT = 0;
export const SQLITE_CHANGESET_REPLACE = 1;
export const SQLITE_CHANGESET_ABORT = 2;

/** The most arguments an SQL function can have: SQLITE_MAX_FUNCTION_ARG. */
export const maxArguments = 1000;

export const SQLITE_SESSION_OBJCONFIG_SIZE = 1;
export const SQLITE_SESSION_OBJCONFIG_ROWID = 2;
export const SQLITE_SESSION_CONFIG_STRMSIZE = 1;
export const SQLITE_CHANGESETSTART_INVERT = 0x2;
export const SQLITE_CHANGESETAPPLY_NOSAVEPOINT = 0x1;
export const SQLITE_CHANGESETAPPLY_INVERT = 0x2;
export const SQLITE_CHANGESETAPPLY_IGNORENOOP = 0x4;
export const SQLITE_CHANGESETAPPLY_FKNOACTION = 0x8;
export const SQLITE_CHANGESETAPPLY_NOUPDATELOOP = 0x10;
export const SQLITE_CHANGEGROUP_CONFIG_PATCHSET = 1;
export const SQLITE_DELETE = 9;
export const SQLITE_INSERT = 18;
export const SQLITE_UPDATE = 23;

/** Events for a capture: the enum of host.h. */
export const CAPTURE_OTHER = 0;
export const CAPTURE_SCHEMA = 1;
export const CAPTURE_ROLLBACK = 2;

/** Callbacks of the session extension: the enum of host.h. */
export const CALLBACK_TABLE_FILTER = 0;
export const CALLBACK_CHANGE_FILTER = 1;
export const CALLBACK_CONFLICT = 2;
export const CALLBACK_STREAM_INPUT = 3;
export const CALLBACK_STREAM_OUTPUT = 4;

/** `idxFlags` of `sqlite3_index_info`: at most one row. */
export const SQLITE_INDEX_SCAN_UNIQUE = 1;

export const SQLITE_DENY = 1;
export const SQLITE_IGNORE = 2;

/** Kinds of hooks: the enum of host.h. */
export const HOOK_AUTHORIZE = 0;
export const HOOK_COMMIT = 1;
export const HOOK_ROLLBACK = 2;
export const HOOK_UPDATE = 3;
export const HOOK_WAL = 4;

/** sqlite3_txn_state */
export const SQLITE_TXN_WRITE = 2;
