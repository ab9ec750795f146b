/** The services that the core needs from its host. Only imports.ts calls them. */

/**
 * Thrown by file systems. It has the result code that SQLite receives and the system's error number. Its message is
 * appended to SQLite's own, unless it is empty.
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
 * Files for SQLite. Every method may throw a {@link FileError}; any other exception becomes SQLITE_IOERR. Paths are
 * absolute except in `fullPathname`.
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
  /** Answers SQLITE_ACCESS_EXISTS, for which an empty file does not exist, or SQLITE_ACCESS_READWRITE. */
  access(path: string, kind: number): boolean;
  /** Returns the absolute form of a path, with symbolic links resolved. */
  fullPathname(path: string): string;
}

/** One open file. `memory` is the core's entire memory; a method may not keep it. */
export interface OpenFile {
  close(): void;
  /** Reads up to `length` bytes to `memory[at]`. Returns their number, which is smaller only at the end of the file. */
  read(memory: Uint8Array, at: number, length: number, offset: number): number;
  write(memory: Uint8Array, at: number, length: number, offset: number): void;
  truncate(size: number): void;
  /** Syncs the file to disk. `flags` are SQLITE_SYNC_ flags. */
  sync(flags: number): void;
  size(): number;
  /** Raises the lock to SQLITE_LOCK_SHARED, RESERVED or EXCLUSIVE. Throws SQLITE_BUSY if another connection holds it. */
  lock(level: number): void;
  /** Lowers the lock to SQLITE_LOCK_SHARED or NONE. */
  unlock(level: number): void;
  /** Whether another connection holds a RESERVED lock or more. This file's own lock does not count. */
  checkReservedLock(): boolean;
  /** Whether the file at this path is no longer this file (SQLITE_FCNTL_HAS_MOVED). */
  hasMoved(): boolean;
  /** The index of the WAL that belongs to this database. */
  readonly walIndex: WalIndex;
}

/**
 * The index of a WAL, which all connections of a database share. It consists of regions of one size, mapped into the
 * memory of each connection. See the xShm methods in sqlite3.h.
 */
export interface WalIndex {
  /**
   * Opens the index if it is not open, and ensures that it reaches the end of a region.
   *
   * @param extend extends the index if needed; if false, a missing region stays missing
   * @param readOnly opens the index read-only, even if writing is allowed (the URI's readonly_shm)
   * @returns the number of regions that must be mapped at once, 0 if the region does not exist; and whether they are
   *   read-only
   */
  open(
    region: number,
    size: number,
    extend: boolean,
    readOnly: boolean,
  ): { regions: number; readOnly: boolean };
  /** Maps `length` bytes of the index, starting at `offset`, to `memory[at]`. They stay mapped until `close`. */
  map(memory: Uint8Array, at: number, length: number, offset: number): void;
  /** Takes or releases locks. `flags` are SQLITE_SHM_ flags. Throws SQLITE_BUSY if another connection holds one. */
  lock(memory: Uint8Array, first: number, count: number, flags: number): void;
  /** Unmaps all regions, which become plain memory again. Does nothing if the index is not open. */
  close(memory: Uint8Array, deleteFile: boolean): void;
}

/** A library opened by {@link Extensions.open}. */
export interface Library {
  /** Links the library into connection `db`, an address. @throws Error whose message the user sees */
  link(db: number): void;
}

/** `.load` and `load_extension`. */
export interface Extensions {
  /** Reads and checks the file. @throws Error whose message the user sees */
  open(path: string): Library;
}

/** The directory of a command, and the files for its standard input and output; null for the shell's own. */
export interface CommandStreams {
  readonly directory: string;
  readonly input: string | null;
  readonly output: string | null;
}

/** The shell's file functions beyond WASI. Paths are bytes, in any encoding. */
export interface ShellFiles {
  /** The permission bits of a file, or of a link's target if `follow`; 0 if there is no file. May throw. */
  permissions(path: Uint8Array, follow: boolean): number;
  /** Returns 0 or a WASI error number. */
  changeMode(path: Uint8Array, mode: number): number;
  makeFolder(path: Uint8Array, mode: number): number;
  /** Makes `path` a symbolic link to `target`. Returns 0 or a WASI error number. */
  makeLink(target: Uint8Array, path: Uint8Array): number;
}

/** What the shell needs beyond WASI. */
export interface Terminal {
  readonly files: ShellFiles;
  /**
   * The next line of input without its line end, or null at the end of input.
   *
   * @param directory the working directory of the shell (.cd)
   */
  readLine(prompt: string, directory: string): string | null;
  addHistory(line: string): void;
  loadHistory(file: string): void;
  saveHistory(file: string): void;
  /** Keeps only the last `entries` lines of the history. */
  stifleHistory(entries: number): void;
  addCompletion(line: string): void;
  /** The current columns of the terminal, 0 if unknown; -1 without a terminal. */
  columns(): number;
  /** Runs a command in the system's shell. Returns its exit status. */
  system(command: string, streams: CommandStreams): number;
}

/** The hooks of a connection. No method may throw. */
export interface ConnectionHooks {
  /** Returns SQLITE_OK, SQLITE_DENY or SQLITE_IGNORE for one action of a statement. */
  authorize(action: number, texts: AuthorizedTexts): number;
  /** Returns false to roll the transaction back instead. */
  commit(): boolean;
  rollback(): void;
  update(op: number, database: string, table: string, rowid: bigint): void;
  wal(database: string, pages: number): void;
}

/** The four text arguments of an authorizer: two that depend on the action, the database, and the trigger or view. */
export type AuthorizedTexts = readonly [string | null, string | null, string | null, string | null];

/** The methods of a virtual table module. They may throw unless noted. Tables and cursors are numbers above 0. */
export interface TableModule {
  /** Declares the table. Returns the table's number and how many columns it has. */
  connect(db: number, create: boolean, args: readonly string[]): { table: number; columns: number };
  /** May not throw. */
  disconnect(table: number): void;
  destroy(table: number): void;
  /** Fills the `sqlite3_index_info` at an address. Returns false if there is no plan. */
  bestIndex(table: number, info: number): boolean;
  open(table: number): number;
  /** May not throw. */
  close(cursor: number): void;
  /** Begins a scan and fills the batch at an address with at most `ask` rows. `text` is the plan's idxStr. */
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
  /** `xUpdate`. Returns the rowid of an inserted row. */
  update(table: number, count: number, values: number): bigint | undefined;
  /** `what`: 0 begin, 1 sync, 2 commit, 3 rollback, 4 savepoint, 5 release, 6 rollback to. */
  transaction(table: number, what: number, savepoint: number): void;
  rename(table: number, name: string): void;
  /** Returns a description of the damage, or undefined if the table is sound. */
  integrity(table: number, quick: boolean): string | undefined;
}

/** Functions that the core calls back by number. None may throw. */
export interface Callbacks {
  /** `xFunc` of an SQL function. Its arguments are `count` Cells (see c/host.h) at address `cells`. */
  call(id: number, context: number, count: number, cells: number): number;
  /**
   * `xStep` or `xInverse` of an aggregate. `group` is the number of its group, 0 for a new group. Returns the group's
   * number.
   */
  step(id: number, context: number, group: number, count: number, cells: number, inverse: boolean): number;
  /** `xValue`, or `xFinal`, which ends the group. Returns the group's number, 0 if the group ended. */
  groupValue(id: number, context: number, group: number, final: boolean): number;
  /** The module with this number; undefined if it was removed. */
  module(id: number): TableModule | undefined;
  /** SQLite released the object with this number. */
  destroy(id: number): void;
  /** The connection with this number is about to be closed. */
  closing(id: number): void;
  hooks(id: number): ConnectionHooks | undefined;
  /** Receives what SQLite writes to its error log. Must neither throw nor call SQLite. */
  log(code: number, message: string): void;
  /** Compares the texts at two addresses with a collation. */
  compare(id: number, left: number, leftLength: number, right: number, rightLength: number): number;
  filterTable(id: number, table: string): boolean;
  filterChange(id: number, iterator: number): boolean;
  /** Returns SQLITE_CHANGESET_OMIT, REPLACE or ABORT. */
  conflict(id: number, kind: number, iterator: number): number;
  /** Writes at most `room` bytes to `pointer`. Returns how many, 0 at the end, or -1 on failure. */
  streamInput(id: number, pointer: number, room: number): number;
  /** Consumes `length` bytes at `pointer`. Returns false on failure. */
  streamOutput(id: number, pointer: number, length: number): boolean;
  /** A statement that may change the schema is about to begin. */
  captureBefore(id: number, statement: number): void;
  /**
   * A statement that may change the schema was run; or a statement failed, rolled back or committed. See CAPTURE_ in
   * constants.ts.
   */
  captureAfter(id: number, statement: number, kind: number, code: number): void;
}

export interface Host {
  /** The file systems, by the VFS numbers of c/host.h: "node", "node-none". */
  readonly fileSystems: readonly FileSystem[];
  readonly callbacks: Callbacks;
  readonly extensions: Extensions;
  readonly terminal: Terminal | undefined;
  /** Whether the running statement must end. */
  interrupted(): boolean;
  /** A statement of the shell begins or ends. */
  statement?(running: boolean): void;
}
