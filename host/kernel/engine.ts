/** A core with the callbacks that SQLite calls and the exceptions that they threw. */

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
import type { WasmFunctions } from '../core/web-assembly.js';
import { invalidState } from './arguments.js';
import { cellSize } from './cells.js';
import type { CheckedGrants } from './grants.js';
import { type MakePart, Parts } from './parts.js';

/**
 * An object that SQLite calls by a number. {@link Callbacks} describes the methods. They may throw, except
 * `captureBefore`, `captureAfter`, `closing`, `compare` and `destroyed`.
 */
export interface Callback {
  /** An exception makes the statement fail. Returns SQLITE_FLOAT if the result is a number in the first Cell. */
  call?(context: number, count: number, cells: number): number | undefined;
  step?(context: number, group: number, count: number, cells: number, inverse: boolean): number;
  groupValue?(context: number, group: number, final: boolean): number;
  readonly module?: TableModule;
  filterTable?(table: string): boolean;
  /** The result of `filterTable` if it throws; false by default. */
  readonly filterFailed?: boolean;
  filterChange?(iterator: number): boolean;
  conflict?(kind: number, iterator: number): number;
  streamInput?(pointer: number, room: number): number;
  streamOutput?(pointer: number, length: number): void;
  captureBefore?(statement: number): void;
  captureAfter?(statement: number, kind: number, code: number): void;
  closing?(): void;
  readonly hooks?: ConnectionHooks;
  compare?(left: number, leftLength: number, right: number, rightLength: number): number;
  /** SQLite released the callback and will not call it again. */
  destroyed?(): void;
}

export interface EngineOptions {
  /** The file systems in the order of the core's VFSs: "node", "node-none". */
  readonly fileSystems: readonly FileSystem[];
  /** Implements `.load`. If absent, loading fails. */
  readonly extensions?: (engine: Engine) => Extensions;
  readonly terminal?: Terminal;
  readonly interrupted?: () => boolean;
  /** Called when a statement of the shell begins and ends. */
  readonly statement?: (running: boolean) => void;
  /** The grants for components of every connection. If absent, each connection has its own. */
  readonly grants?: CheckedGrants;
  /** The functions of wasi_snapshot_preview1, which the shell needs. */
  readonly wasi?: WasmFunctions;
}

/** The error message after an exception made the engine unusable. */
export const lost =
  'database is not open: an exception passed through SQLite, such as a stack overflow; open it again';

/** The size of {@link Engine.scratch} in bytes. */
export const scratchSize = 16_384;

/** The buffer for rows that are read ahead (RowBatch of c/host.h). */
export interface BatchRoom {
  readonly pointer: number;
  /** Whether a statement uses the buffer. */
  taken: boolean;
}
export const batchHeader = 16;
export const batchCells = 4096;
/** The maximum size of texts and blobs in a batch, in bytes. A string from a batch may keep that many bytes in memory. */
export const batchBytes = 16_384;
export const mostBatched = 256;

export class Engine implements Callbacks {
  readonly core: Core;
  readonly grants: CheckedGrants | undefined;
  /** Whether the engine runs the shell, whose user then sees the loader's messages. */
  readonly isShell: boolean;
  /** The grants of the component that is being loaded, if the call that loads it specifies them. */
  loading: CheckedGrants | undefined;
  /** Why an authorizer refused a connection's last action, by the connection's address. */
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
  /** Receives SQLite's error log. */
  logger: ((code: number, message: string) => void) | undefined;
  /**
   * Set while it is unknown whether an exception passed through a failed call. If the stack has overflowed, the check
   * itself fails and this stays set.
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

  /** A buffer for text that is passed to the core. Its content is valid only during one call. */
  get scratch(): number {
    // Allocated when first needed, because allocating initializes SQLite and the shell must configure SQLite first.
    this.#scratch ||= this.core.memory.allocate(scratchSize);
    return this.#scratch;
  }

  /** A buffer for {@link SQLITE_MAX_FUNCTION_ARG} Cells. The caller must read them before the next use. */
  get cells(): number {
    this.#cells ||= this.core.memory.allocate(cellSize * SQLITE_MAX_FUNCTION_ARG);
    return this.#cells;
  }

  /** Takes the buffer for reading rows ahead. Returns undefined if another statement uses it. */
  takeBatch(): BatchRoom | undefined {
    this.#batch ??= {
      pointer: this.core.memory.allocate(batchHeader + cellSize * batchCells + batchBytes),
      taken: false,
    };
    if (this.#batch.taken) return undefined;
    this.#batch.taken = true;
    return this.#batch;
  }

  /** Calls `poll` regularly while statements run in `action`. It may interrupt a connection and must not throw. */
  polling<T>(poll: () => void, action: () => T): T {
    const outer = this.#poll;
    this.#poll = poll;
    try {
      return action();
    } finally {
      this.#poll = outer;
    }
  }

  /**
   * Registers a callback and returns the number that the core calls it by. The number is valid until `destroyed` or
   * {@link release}.
   */
  register(callback: Callback): number {
    return this.#callbacks.add(callback);
  }

  release(id: number): void {
    this.#callbacks.delete(id);
  }

  /** Returns the part that `make` makes for this engine, the same object each time. */
  part<Part extends object>(make: MakePart<Engine, Part>): Part {
    return this.#parts.get(make);
  }

  /**
   * Throws the exception that a user's callback threw during the call, if any. It does so for every `code`, because
   * some callbacks cannot report an error to SQLite. Otherwise, throws an SqliteError with the connection's message
   * unless `code` is SQLITE_OK.
   */
  check(db: number, code: number): void {
    if (code === SQLITE_OK && !this.#thrown) return;
    this.surface();
    throw this.error(db, code);
  }

  /** Makes an error with the reason that an authorizer gave, or with SQLite's message. */
  error(db: number, code: number): SqliteError {
    const said = (code & 0xff) === SQLITE_AUTH ? this.denials.get(db) : undefined;
    return this.core.error(db, code, said);
  }

  /** Throws the exception that a user's callback threw during the call, if any. */
  surface(): void {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown) throw thrown.error;
  }

  /** Whether a user's callback threw during the call. */
  get hasThrown(): boolean {
    return this.#thrown !== undefined;
  }

  /**
   * Whether an exception, such as a stack overflow, passed through SQLite's code. SQLite's state is then unknown, and
   * the engine must not be used again.
   */
  get isLost(): boolean {
    if (this.doubted) this.#lose();
    return this.#isLost;
  }

  /** The core's stack pointer. If it is lower after a call than before, an exception passed through the call. */
  stack(): number {
    return this.core.c.bridge_stack();
  }

  /** Marks the engine as unusable. Closes its files in a microtask, because the stack may be exhausted now. */
  #lose(): void {
    this.doubted = false;
    this.#isLost = true;
    queueMicrotask(() => this.closeFiles());
  }

  /** Closes all files and releases their locks without writing anything, as the system does when a process ends. */
  closeFiles(): void {
    this.core.closeFiles();
  }

  /** @throws Error (ERR_INVALID_STATE) while SQLite writes to its error log, because SQLite may not be used then */
  refuseInLog(): void {
    if (this.#isLogging) throw invalidState('databases cannot be used while SQLite writes to its error log');
  }

  /**
   * Begins a call of the user. Discards an exception that an earlier call left, such as that of an aggregate that ended
   * early.
   */
  begin(): void {
    if (this.isLost) throw invalidState(lost);
    this.refuseInLog();
    this.#thrown = undefined;
  }

  call(id: number, context: number, count: number, cells: number): number {
    const outer = this.#thrown;
    if (outer) this.#thrown = undefined;
    let result = 0;
    try {
      result = this.#callbacks.find(id)?.call?.(context, count, cells) ?? 0;
    } catch (error) {
      this.failIn(context, error);
    }
    if (outer) this.#thrown = outer;
    return result;
  }

  /** Makes the statement that runs in `context` fail, and keeps the exception for {@link check}. */
  failIn(context: number, error: unknown): void {
    this.keep(error);
    using arena = this.core.memory.arena();
    const { pointer, length } = arena.text(error instanceof Error ? error.message : String(error));
    this.core.c.sqlite3_result_error(context, pointer, length);
  }

  /** Keeps an exception of a callback for {@link check}, unless the same call already has one. */
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
   * Returns the result of `action`. If `action` throws, returns `failed` and keeps the exception for {@link check}.
   * Exceptions in SQL that `action` runs do not mix with those of the current call.
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

  /** Returns and forgets the exception that a callback threw since the last {@link check}. */
  takeThrown(): { error: unknown } | undefined {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    return thrown;
  }
}
