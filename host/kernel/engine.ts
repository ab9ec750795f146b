/** One core with the host's state for it: the functions it may call back, and what they threw. */

import {
  SQLITE_AUTH,
  SQLITE_CHANGESET_ABORT,
  SQLITE_MAX_FUNCTION_ARG,
  SQLITE_OK,
} from '../core/constants.js';
import { Core } from '../core/core.js';
import type { SqliteError } from '../core/errors.js';
import { HandleTable } from '../core/handles.js';
import type {
  Callbacks,
  ConnectionHooks,
  Extensions,
  FileSystem,
  TableModule,
  Terminal,
} from '../core/host-services.js';
import { invalidState } from './arguments.js';
import { cellSize } from './cells.js';
import type { CheckedGrants } from './grants.js';
import { type MakePart, Parts } from './parts.js';

/** What SQLite calls by number. Each kind of callback has one method. */
export interface Callback {
  /**
   * An SQL function was called with `count` values, which are at address `cells` until it returns. Throwing fails the
   * statement.
   */
  call?(context: number, count: number, cells: number): void;
  /** Adds a row to an aggregate; returns the number of its group, which it makes if that is 0. */
  step?(context: number, group: number, count: number, cells: number, inverse: boolean): number;
  /** Sets an aggregate's result. Returns the group's number, 0 if `final` ended it. */
  groupValue?(context: number, group: number, final: boolean): number;
  /** A virtual table module. */
  readonly module?: TableModule;
  filterTable?(table: string): boolean;
  /** The result of `filterTable` if it throws; false by default. */
  readonly filterFailed?: boolean;
  filterChange?(iterator: number): boolean;
  conflict?(kind: number, iterator: number): number;
  /** Puts at most `room` bytes at `pointer` and returns how many; 0 is the end. */
  streamInput?(pointer: number, room: number): number;
  streamOutput?(pointer: number, length: number): void;
  /** A statement that may change the schema is about to begin. May not throw. */
  captureBefore?(statement: number): void;
  /** See {@link Callbacks.captureAfter}. May not throw. */
  captureAfter?(statement: number, kind: number, code: number): void;
  /** The connection is about to be closed. */
  closing?(): void;
  readonly hooks?: ConnectionHooks;
  /** A collation's order of the texts at two places. May not throw. */
  compare?(left: number, leftLength: number, right: number, rightLength: number): number;
  /** SQLite released it: it will not be called again. */
  destroyed?(): void;
}

export interface EngineOptions {
  /** In the order of the core's VFSs: "node", "node-none". */
  readonly fileSystems: readonly FileSystem[];
  /** Implements `.load`; without it every load is refused. */
  readonly extensions?: (engine: Engine) => Extensions;
  readonly terminal?: Terminal;
  readonly interrupted?: () => boolean;
  /** Called when a statement of the shell begins and ends. */
  readonly statement?: (running: boolean) => void;
  /** The grants for components of every connection. If absent, each connection has its own. */
  readonly grants?: CheckedGrants;
  /** The functions of wasi_snapshot_preview1, which the shell needs. */
  readonly wasi?: WebAssembly.ModuleImports;
}

/** What is said of a database whose engine cannot be used again. */
export const lost =
  'database is not open: an exception passed through SQLite, such as a stack overflow; open it again';

/** Bytes of {@link Engine.scratch}. */
export const scratchSize = 16_384;

/** Where rows are read ahead (RowBatch of c/host.h). */
export interface BatchRoom {
  readonly pointer: number;
  /** Whether somebody reads rows there. */
  taken: boolean;
}
export const batchHeader = 16;
export const batchCells = 4096;
/** The bytes of texts and blobs in a batch: a text that is kept may keep as many in memory. */
export const batchBytes = 16_384;
export const mostBatched = 256;

export class Engine implements Callbacks {
  readonly core: Core;
  readonly grants: CheckedGrants | undefined;
  /** Whether it runs the shell: then a person reads the loader's messages. */
  readonly isShell: boolean;
  /** The grants of the component that is being loaded, if the call that loads it specifies them. */
  loading: CheckedGrants | undefined;
  /** Why a connection's last action was refused, by its address, if a reason was given. */
  readonly denials = new Map<number, string>();
  readonly #callbacks = new HandleTable<Callback>('callback');
  readonly #parts = new Parts<Engine>(this);
  #scratch = 0;
  #cells = 0;
  #batch: BatchRoom | undefined;
  #thrown: { error: unknown } | undefined;
  #poll: (() => void) | undefined;
  #isLost = false;
  #isLogging = false;
  /** Is given what SQLite writes to its error log. */
  logger: ((code: number, message: string) => void) | undefined;
  /**
   * Set after a call that failed, until it is known that no exception passed through it and the statement is reset.
   * Without any stack left, neither can be done.
   */
  doubted = false;

  constructor(options: EngineOptions) {
    const refused: Extensions = {
      open() {
        throw new Error('this program does not load extensions');
      },
    };
    this.grants = options.grants;
    this.isShell = options.terminal !== undefined;
    this.core = new Core(
      {
        fileSystems: options.fileSystems,
        callbacks: this,
        extensions: options.extensions?.(this) ?? refused,
        terminal: options.terminal,
        interrupted: () => {
          this.#poll?.();
          return options.interrupted?.() ?? false;
        },
        ...(options.statement && { statement: options.statement }),
      },
      options.wasi,
    );
  }

  /** Room for text on its way into the core; free between two calls. */
  get scratch(): number {
    // Not taken at the start: memory initializes SQLite, which the shell configures first.
    this.#scratch ||= this.core.memory.allocate(scratchSize);
    return this.#scratch;
  }

  /** Room for {@link SQLITE_MAX_FUNCTION_ARG} values, as bridge_values writes them; free once they are read. */
  get cells(): number {
    this.#cells ||= this.core.memory.allocate(cellSize * SQLITE_MAX_FUNCTION_ARG);
    return this.#cells;
  }

  /** Room to read rows ahead; undefined while a statement that called this one does so. */
  takeBatch(): BatchRoom | undefined {
    this.#batch ??= {
      pointer: this.core.memory.allocate(batchHeader + cellSize * batchCells + batchBytes),
      taken: false,
    };
    if (this.#batch.taken) return undefined;
    this.#batch.taken = true;
    return this.#batch;
  }

  /** Calls `poll` now and then while SQLite works for `action`: it may interrupt a connection, and must not throw. */
  polling<T>(poll: () => void, action: () => T): T {
    const outer = this.#poll;
    this.#poll = poll;
    try {
      return action();
    } finally {
      this.#poll = outer;
    }
  }

  /** Gives a callback the number by which the core knows it, until `destroyed` or {@link release}. */
  register(callback: Callback): number {
    return this.#callbacks.add(callback);
  }

  release(id: number): void {
    this.#callbacks.delete(id);
  }

  /** The part that `make` makes for this engine: made when first requested, then always the same. */
  part<Part extends object>(make: MakePart<Engine, Part>): Part {
    return this.#parts.get(make);
  }

  /**
   * Throws what a callback of the user threw during the call, whatever `code` is, because SQLite cannot be told of
   * some. Otherwise an SqliteError with the connection's message, unless `code` is SQLITE_OK.
   */
  check(db: number, code: number): void {
    if (code === SQLITE_OK && !this.#thrown) return;
    this.surface();
    throw this.error(db, code);
  }

  /** An error with SQLite's message, or with the reason that an authorizer gave. */
  error(db: number, code: number): SqliteError {
    const said = (code & 0xff) === SQLITE_AUTH ? this.denials.get(db) : undefined;
    return this.core.error(db, code, said);
  }

  /** Throws what a callback of the user threw during the call, if one did. */
  surface(): void {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown) throw thrown.error;
  }

  /** Whether a callback of the user threw during the call. */
  get hasThrown(): boolean {
    return this.#thrown !== undefined;
  }

  /**
   * Whether an exception passed through SQLite's code, as an overflow of the stack does: its state is unknown, and
   * nothing of this engine may be used again.
   */
  get isLost(): boolean {
    if (this.doubted) this.#lose();
    return this.#isLost;
  }

  /** Where the core's stack is. If it is lower after a call than before it, an exception passed through the call. */
  stack(): number {
    return this.core.c.bridge_stack();
  }

  /** Gives the engine up. Its files are closed once there is a stack for it, by {@link closeFiles} or at the latest then. */
  #lose(): void {
    this.doubted = false;
    this.#isLost = true;
    queueMicrotask(() => this.closeFiles());
  }

  /** Closes all files as the end of a process does: nothing more is written, and their locks are released. */
  closeFiles(): void {
    this.core.closeFiles();
  }

  /** A call of the user's begins: discards what an earlier one left, such as an aggregate that ended early. */
  begin(): void {
    if (this.isLost) throw invalidState(lost);
    if (this.#isLogging) throw invalidState('databases cannot be used while SQLite writes to its error log');
    this.#thrown = undefined;
  }

  call(id: number, context: number, count: number, cells: number): void {
    const outer = this.#thrown;
    if (outer) this.#thrown = undefined;
    try {
      this.#callbacks.find(id)?.call?.(context, count, cells);
    } catch (error) {
      this.failIn(context, error);
    }
    if (outer) this.#thrown = outer;
  }

  /** Fails the statement that runs in `context`; what was thrown is kept for {@link check}. */
  failIn(context: number, error: unknown): void {
    this.keep(error);
    using arena = this.core.memory.arena();
    const { pointer, length } = arena.text(error instanceof Error ? error.message : String(error));
    this.core.c.sqlite3_result_error(context, pointer, length);
  }

  /** Keeps what a callback threw for {@link check}, unless one threw before it in the same call. */
  keep(error: unknown): void {
    this.#thrown ??= { error };
  }

  step(id: number, context: number, group: number, count: number, cells: number, inverse: boolean): number {
    const outer = this.#thrown;
    if (outer) this.#thrown = undefined;
    try {
      return this.#callbacks.find(id)?.step?.(context, group, count, cells, inverse) ?? group;
    } catch (error) {
      this.failIn(context, error);
      return group;
    } finally {
      if (outer) this.#thrown = outer;
    }
  }

  groupValue(id: number, context: number, group: number, final: boolean): number {
    const outer = this.#thrown;
    if (outer) this.#thrown = undefined;
    try {
      return this.#callbacks.find(id)?.groupValue?.(context, group, final) ?? group;
    } catch (error) {
      this.failIn(context, error);
      return final ? 0 : group;
    } finally {
      if (outer) this.#thrown = outer;
    }
  }

  module(id: number): TableModule | undefined {
    return this.#callbacks.find(id)?.module;
  }

  destroy(id: number): void {
    const callback = this.#callbacks.find(id);
    this.#callbacks.delete(id);
    callback?.destroyed?.();
  }

  closing(id: number): void {
    this.#callbacks.find(id)?.closing?.();
  }

  hooks(id: number): ConnectionHooks | undefined {
    return this.#callbacks.find(id)?.hooks;
  }

  log(code: number, message: string): void {
    if (!this.logger) return;
    this.#isLogging = true;
    try {
      this.logger(code, message);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    } finally {
      this.#isLogging = false;
    }
  }

  compare(id: number, left: number, leftLength: number, right: number, rightLength: number): number {
    return this.#callbacks.find(id)?.compare?.(left, leftLength, right, rightLength) ?? 0;
  }

  filterTable(id: number, table: string): boolean {
    const callback = this.#callbacks.find(id);
    return this.attempt(callback?.filterFailed ?? false, () => callback?.filterTable?.(table) ?? true);
  }

  filterChange(id: number, iterator: number): boolean {
    return this.attempt(false, () => this.#callbacks.find(id)?.filterChange?.(iterator) ?? true);
  }

  conflict(id: number, kind: number, iterator: number): number {
    const abort = SQLITE_CHANGESET_ABORT;
    return this.attempt(abort, () => this.#callbacks.find(id)?.conflict?.(kind, iterator) ?? abort);
  }

  streamInput(id: number, pointer: number, room: number): number {
    return this.attempt(-1, () => this.#callbacks.find(id)?.streamInput?.(pointer, room) ?? 0);
  }

  streamOutput(id: number, pointer: number, length: number): boolean {
    return this.attempt(false, () => {
      this.#callbacks.find(id)?.streamOutput?.(pointer, length);
      return true;
    });
  }

  captureBefore(id: number, statement: number): void {
    this.#callbacks.find(id)?.captureBefore?.(statement);
  }

  captureAfter(id: number, statement: number, kind: number, code: number): void {
    this.#callbacks.find(id)?.captureAfter?.(statement, kind, code);
  }

  /**
   * What `action` returns, or `failed` if it throws, which is kept for {@link check}. Errors of SQL that it runs are kept
   * apart from those of the current call.
   */
  attempt<T>(failed: T, action: () => T): T {
    const outer = this.#thrown;
    this.#thrown = undefined;
    let thrown: { error: unknown } | undefined;
    try {
      return action();
    } catch (error) {
      thrown = { error };
      return failed;
    } finally {
      this.#thrown = outer ?? thrown;
    }
  }

  /** What a callback threw since the last {@link check}, taken away. */
  takeThrown(): { error: unknown } | undefined {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    return thrown;
  }
}
