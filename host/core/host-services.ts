/** The services that the core needs from its host, as plain objects: implemented above, called by imports.ts only. */

/**
 * Thrown by file systems: the result code SQLite gets, and the system's error number. The message is added to
 * SQLite's own for the user; an empty one adds nothing.
 */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: number;
  readonly errno: number;

  constructor(code: number, message: string, errno = 0) {
    super(message);
    this.code = code;
    this.errno = errno;
  }
}

/**
 * Files for SQLite. Every method may throw a {@link FileError}; anything else that is thrown becomes
 * SQLITE_IOERR. Paths are absolute except in `fullPathname`.
 */
export interface FileSystem {
  /**
   * Opens `path`, or a new temporary file if it is null.
   *
   * @param flags SQLITE_OPEN_ flags
   * @returns the file and the flags in effect: SQLITE_OPEN_READONLY if writing is not allowed
   */
  open(path: string | null, flags: number): { file: OpenFile; flags: number };
  /** Deletes a file, and syncs its directory if `syncDirectory`. */
  delete(path: string, syncDirectory: boolean): void;
  /** SQLITE_ACCESS_EXISTS or SQLITE_ACCESS_READWRITE. For the first, an empty file does not exist. */
  access(path: string, kind: number): boolean;
  /** The absolute form of a path, symbolic links resolved. */
  fullPathname(path: string): string;
}

/** One open file. `memory` is the core's entire memory; a method may not keep it. */
export interface OpenFile {
  close(): void;
  /** Reads up to `length` bytes to `memory[at]`. Returns how many there were: fewer only at the end. */
  read(memory: Uint8Array, at: number, length: number, offset: number): number;
  write(memory: Uint8Array, at: number, length: number, offset: number): void;
  truncate(size: number): void;
  /** Syncs what was written to disk: SQLITE_SYNC_ flags. */
  sync(flags: number): void;
  size(): number;
  /** Raises the lock to SQLITE_LOCK_SHARED, RESERVED or EXCLUSIVE. Throws SQLITE_BUSY if another connection holds it. */
  lock(level: number): void;
  /** Lowers the lock to SQLITE_LOCK_SHARED or NONE. */
  unlock(level: number): void;
  /** Whether another connection holds RESERVED or more; the file's own lock does not count. */
  checkReservedLock(): boolean;
  /** Whether the file at this path is no longer this file (SQLITE_FCNTL_HAS_MOVED). */
  hasMoved(): boolean;
  /** The index of the WAL that belongs to this database. */
  readonly walIndex: WalIndex;
}

/**
 * The index of a WAL, which all connections of a database share: regions of one size, mapped into the memory of
 * each. Opens itself with the first region. See the xShm methods in sqlite3.h.
 */
export interface WalIndex {
  /**
   * Ensures that the index reaches the end of a region.
   *
   * @param extend extends it if needed; otherwise a missing region stays missing
   * @param readOnly opens it to read only, even if writing is allowed (the URI's readonly_shm)
   * @returns how many regions must be mapped at once, 0 if the region does not exist; and whether they are read-only
   */
  open(
    region: number,
    size: number,
    extend: boolean,
    readOnly: boolean,
  ): { regions: number; readOnly: boolean };
  /** Maps the bytes of the index from `offset` on to `memory[at]` and what follows, until `close`. */
  map(memory: Uint8Array, at: number, length: number, offset: number): void;
  /** Takes or releases locks: SQLITE_SHM_ flags. Throws SQLITE_BUSY if another connection holds one. */
  lock(memory: Uint8Array, first: number, count: number, flags: number): void;
  /** Unmaps everything, leaving plain memory. Does nothing if the index is not open. */
  close(memory: Uint8Array, deleteFile: boolean): void;
}

/** A library opened by {@link Extensions.open}. */
export interface Library {
  /**
   * Links the library into a connection.
   *
   * @param db the connection's address
   * @throws Error whose message the user sees
   */
  link(db: number): void;
}

/** `.load` and `load_extension`. */
export interface Extensions {
  /**
   * Reads and checks the file.
   *
   * @throws Error whose message the user sees
   */
  open(path: string): Library;
}

/** Where a command runs, and the files that are its input and output, if those are not the shell's own. */
export interface CommandStreams {
  readonly directory: string;
  readonly input: string | null;
  readonly output: string | null;
}

/** The shell's file functions beyond WASI. Paths are bytes, in any encoding. */
export interface ShellFiles {
  /** The permission bits of a file, or of what a link leads to if `follow`; 0 without one. May throw. */
  permissions(path: Uint8Array, follow: boolean): number;
  /** Returns 0, or an errno of WASI, as does the next one. */
  changeMode(path: Uint8Array, mode: number): number;
  makeFolder(path: Uint8Array, mode: number): number;
  /** Makes `path` a symbolic link to `target`. */
  makeLink(target: Uint8Array, path: Uint8Array): number;
}

/** What the shell needs beyond WASI. */
export interface Terminal {
  readonly files: ShellFiles;
  /**
   * The next line of input without its end, or null at the end of input.
   *
   * @param directory the working directory of the shell (.cd)
   */
  readLine(prompt: string, directory: string): string | null;
  addHistory(line: string): void;
  loadHistory(file: string): void;
  saveHistory(file: string): void;
  /** Keeps the last `entries`. */
  stifleHistory(entries: number): void;
  addCompletion(line: string): void;
  /** The current columns of the terminal, 0 if unknown; -1 without a terminal. */
  columns(): number;
  /** Runs a command in the system's shell. Returns its status. */
  system(command: string, streams: CommandStreams): number;
}

/** The hooks of a connection. No method may throw. */
export interface ConnectionHooks {
  /** SQLITE_OK, SQLITE_DENY or SQLITE_IGNORE for one thing that a statement would do. */
  authorize(action: number, texts: AuthorizedTexts): number;
  /** False: the transaction is rolled back instead. */
  commit(): boolean;
  rollback(): void;
  update(op: number, database: string, table: string, rowid: bigint): void;
  wal(database: string, pages: number): void;
}

/** The four texts of an authorizer's call: two that depend on the action, database, trigger or view. */
export type AuthorizedTexts = readonly [string | null, string | null, string | null, string | null];

/** A virtual table module, as the core calls it. Every method may throw; tables and cursors are numbers above 0. */
export interface TableModule {
  /** Declares the table and returns its number and that of its columns. */
  connect(db: number, create: boolean, args: readonly string[]): { table: number; columns: number };
  /** May not throw. */
  disconnect(table: number): void;
  destroy(table: number): void;
  /** Fills the `sqlite3_index_info` at an address. False if there is no plan. */
  bestIndex(table: number, info: number): boolean;
  open(table: number): number;
  /** May not throw. */
  close(cursor: number): void;
  /** Begins a scan and fills the batch at an address with at most `ask` rows. `text` is that of the plan. */
  filter(
    cursor: number,
    batch: number,
    plan: number,
    text: string,
    count: number,
    values: number,
    ask: number,
  ): void;
  fetch(cursor: number, batch: number, ask: number): void;
  /** `xUpdate`; returns the rowid of a new row. */
  update(table: number, count: number, values: number): bigint | undefined;
  /** `what`: 0 begin, 1 sync, 2 commit, 3 rollback, 4 savepoint, 5 release, 6 rollback to. */
  transaction(table: number, what: number, savepoint: number): void;
  rename(table: number, name: string): void;
  /** A sentence if it is damaged. */
  integrity(table: number, quick: boolean): string | undefined;
}

/** Functions that the core calls back by number. None may throw. */
export interface Callbacks {
  /** `xFunc` of an SQL function, whose arguments are `count` Cells (see c/host.h) at address `cells`. */
  call(id: number, context: number, count: number, cells: number): void;
  /** `xStep`, or `xInverse`, of an aggregate on a group, 0 being a new one. Returns the group's number. */
  step(id: number, context: number, group: number, count: number, cells: number, inverse: boolean): number;
  /** `xValue`, or `xFinal`, which ends the group. Returns its number, 0 if it ended. */
  groupValue(id: number, context: number, group: number, final: boolean): number;
  /** The module behind `id`; undefined if it is gone. */
  module(id: number): TableModule | undefined;
  /** SQLite released the object behind `id`. */
  destroy(id: number): void;
  /** The connection that is watched under `id` is about to be closed. */
  closing(id: number): void;
  /** The hooks of the connection whose number is `id`. */
  hooks(id: number): ConnectionHooks | undefined;
  /** SQLite reports something that no call returns. May not throw, and not call SQLite. */
  log(code: number, message: string): void;
  /** Compares the texts at two addresses by a collation. */
  compare(id: number, left: number, leftLength: number, right: number, rightLength: number): number;
  filterTable(id: number, table: string): boolean;
  filterChange(id: number, iterator: number): boolean;
  /** Returns SQLITE_CHANGESET_OMIT, REPLACE or ABORT. */
  conflict(id: number, kind: number, iterator: number): number;
  /** Puts at most `room` bytes at `pointer`; returns how many, 0 at the end, or -1 if it failed. */
  streamInput(id: number, pointer: number, room: number): number;
  /** Takes `length` bytes at `pointer`; false if it failed. */
  streamOutput(id: number, pointer: number, length: number): boolean;
  /** A statement that may change the schema is about to begin. */
  captureBefore(id: number, statement: number): void;
  /** It was run; or something failed, was rolled back or committed: see CAPTURE_ in constants.ts. */
  captureAfter(id: number, statement: number, kind: number, code: number): void;
}

export interface Host {
  /** By the VFS numbers of vfs.c: "node", "node-none". */
  readonly fileSystems: readonly FileSystem[];
  readonly callbacks: Callbacks;
  readonly extensions: Extensions;
  readonly terminal: Terminal | undefined;
  /** Whether the running statement must end. */
  interrupted(): boolean;
  /** A statement of the shell begins or ends. */
  statement?(running: boolean): void;
}
