import { checkOptions, illegalConstructor, invalidState } from '../kernel/arguments.js';
import type { Warning } from '../kernel/schema.js';
import { type CaptureEntry, encodeCapture } from '../recording/capture-format.js';
import { CaptureLog } from '../recording/capture-log.js';
import { checkTables, type RecordedDatabase } from './session.js';

/** Known only to this file, so that `new Capture()` throws in a program. */
const own = Symbol('made by a database');
let construct: (owner: RecordedDatabase, log: CaptureLog) => Capture;

/**
 * Records changes and the statements that change the schema, in order. {@link DatabaseSync.capture} makes captures, and
 * they end with the database. A rollback removes what it undoes from the capture.
 */
export class Capture implements Disposable {
  readonly #owner: RecordedDatabase;
  readonly #log: CaptureLog;
  #closed = false;

  /** @throws Error (ERR_ILLEGAL_CONSTRUCTOR) if a program calls it: {@link DatabaseSync.capture} makes captures */
  private constructor(token: symbol, owner: RecordedDatabase, log: CaptureLog) {
    if (token !== own) throw illegalConstructor();
    this.#owner = owner;
    this.#log = log;
  }

  static {
    construct = (owner, log) => new this(own, owner, log);
  }

  /**
   * Returns the capture so far, in the format of {@link encodeCapture}, for {@link DatabaseSync.applyCapture}. It is a
   * changeset if the schema did not change. The caller owns the bytes.
   *
   * @throws Error (ERR_INVALID_STATE) if the capture or its database is closed
   * @throws SqliteError (SQLITE_SCHEMA) if changes are lost because another connection changed the schema
   */
  read(): Uint8Array<ArrayBuffer> {
    return encodeCapture(this.entries());
  }

  /** Returns the capture so far as entries. Do not change their bytes: the capture owns them. */
  entries(): CaptureEntry[] {
    const log = this.#live();
    return this.#owner.open.run(() => log.entries());
  }

  /**
   * Returns the capture so far, as {@link read} does, and empties the capture. If it throws, the capture keeps
   * everything.
   *
   * @throws SqliteError (SQLITE_MISUSE) within a transaction
   */
  take(): Uint8Array<ArrayBuffer> {
    const log = this.#live();
    return this.#owner.open.run(() => log.take());
  }

  /**
   * Empties the capture and continues. Call it instead of {@link take} if the capture was already read.
   *
   * @throws SqliteError (SQLITE_MISUSE) within a transaction
   */
  forget(): void {
    const log = this.#live();
    this.#owner.open.run(() => log.forget());
  }

  /** Warnings of changes that are silently not recorded, or that were lost. */
  warnings(): Warning[] {
    return this.#live().warnings();
  }

  /** Only the warnings of lost changes, which are faster to get. */
  lost(): Warning[] {
    return this.#live().lost;
  }

  /** Ends the capture. @throws Error (ERR_INVALID_STATE) if the capture is closed, or a callback is running */
  close(): void {
    const log = this.#live();
    if (this.#owner.open.running > 0) throw invalidState('capture cannot be closed while in a callback');
    this.#closed = true;
    log.end();
  }

  /** Ends the capture unless it is already closed or a callback of its database is running. */
  [Symbol.dispose](): void {
    const { open } = this.#owner;
    if (!this.#closed && this.#owner.now() === open && open.running === 0) this.close();
  }

  #live(): CaptureLog {
    const { open } = this.#owner;
    const now = this.#owner.now();
    if (!now) throw invalidState('database is not open');
    if (this.#closed || now !== open) throw invalidState('capture is not open');
    open.connection.engine.refuseInLog();
    return this.#log;
  }
}

/** Options of {@link DatabaseSync.capture}. */
export interface CaptureOptions {
  /** The tables to record; all by default. */
  tables?: readonly string[];
  /** The database: 'main' (the default), 'temp' or an attached database. */
  db?: string;
  /** See {@link SessionCreation.filter}. */
  filter?: ((table: string) => boolean) | readonly string[];
  /** See {@link SessionCreation.rowid}. */
  rowid?: boolean;
  /** Marks changes as indirect. */
  indirect?: boolean;
  /** Records patchsets, which omit old values. */
  patchset?: boolean;
}

const captureOptionKinds = {
  tables: 'any',
  db: 'string',
  filter: 'any',
  rowid: 'boolean',
  indirect: 'boolean',
  patchset: 'boolean',
} as const;

/**
 * @returns the capture, and a function to call after the capture is garbage-collected. The function does not refer to
 *   the capture.
 */
export function startCapture(
  owner: RecordedDatabase,
  options: CaptureOptions,
): { capture: Capture; forget: () => void } {
  checkOptions(options, captureOptionKinds);
  checkTables(options);
  const log = new CaptureLog(owner.open.connection, {
    database: options.db ?? 'main',
    tables: options.tables ?? null,
    filter: options.filter,
    rowid: options.rowid ?? false,
    indirect: options.indirect ?? false,
    kind: options.patchset ? 'patchset' : 'changeset',
  });
  return { capture: construct(owner, log), forget: () => log.end() };
}
