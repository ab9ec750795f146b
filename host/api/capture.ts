/** Captures in code: sessions that also record schema changes. */

import { checkOptions, illegalConstructor, invalidState } from '../kernel/arguments.js';
import type { Warning } from '../kernel/schema.js';
import { type CaptureEntry, encodeCapture } from '../recording/capture-format.js';
import { CaptureLog } from '../recording/capture-log.js';
import type { OpenDatabase } from './open-database.js';
import { checkTables, type RecordedDatabase } from './session.js';

type Construct = (open: OpenDatabase, log: CaptureLog, now: () => OpenDatabase | undefined) => Capture;
/** Only this file has it: `new Capture()` in a program throws. */
const own = Symbol('made by a database');
let construct: Construct;

/**
 * Records changes and the statements that change the schema, in order, from its creation on. Made by
 * {@link DatabaseSync.capture}; ends with its database. What is rolled back is removed from it.
 */
export class Capture implements Disposable {
  readonly #open: OpenDatabase;
  readonly #log: CaptureLog;
  readonly #now: () => OpenDatabase | undefined;
  #closed = false;

  /** @throws Error (ERR_ILLEGAL_CONSTRUCTOR) if a program calls it: {@link DatabaseSync.capture} makes captures */
  private constructor(
    token: symbol,
    open: OpenDatabase,
    log: CaptureLog,
    now: () => OpenDatabase | undefined,
  ) {
    if (token !== own) throw illegalConstructor();
    this.#open = open;
    this.#log = log;
    this.#now = now;
  }

  static {
    construct = (...made) => new Capture(own, ...made);
  }

  /**
   * What was captured so far, for {@link DatabaseSync.applyCapture}; a changeset if the schema did not change.
   * The caller owns the bytes. Their form is that of {@link encodeCapture}.
   *
   * @throws Error (ERR_INVALID_STATE) if the capture or its database is closed
   * @throws SqliteError (SQLITE_SCHEMA) if another connection changed the schema so that changes are lost
   */
  read(): Uint8Array<ArrayBuffer> {
    return encodeCapture(this.entries());
  }

  /** The same, entry by entry. The bytes belong to the capture: do not change them. */
  entries(): CaptureEntry[] {
    const log = this.#live();
    return this.#open.run(() => log.entries());
  }

  /**
   * Like {@link read}, and then starts again. If it throws, nothing is forgotten.
   *
   * @throws SqliteError (SQLITE_MISUSE) within a transaction
   */
  take(): Uint8Array<ArrayBuffer> {
    const log = this.#live();
    return this.#open.run(() => log.take());
  }

  /**
   * Forgets what was captured so far and continues: like {@link take}, if it was read already.
   *
   * @throws SqliteError (SQLITE_MISUSE) within a transaction
   */
  forget(): void {
    const log = this.#live();
    this.#open.run(() => log.forget());
  }

  /** What is silently left out, or was lost. */
  warnings(): Warning[] {
    return this.#live().warnings();
  }

  /** The warnings about lost changes. Fast, because usually there are none. */
  lost(): Warning[] {
    return this.#live().lost;
  }

  /** Ends the capture. @throws Error (ERR_INVALID_STATE) if it is closed, or a callback is running */
  close(): void {
    const log = this.#live();
    if (this.#open.running > 0) throw invalidState('capture cannot be closed while in a callback');
    this.#closed = true;
    log.end();
  }

  /** Ends the capture unless it is closed already or a callback of its database is running. */
  [Symbol.dispose](): void {
    if (!this.#closed && this.#now() === this.#open && this.#open.running === 0) this.close();
  }

  #live(): CaptureLog {
    const now = this.#now();
    if (!now) throw invalidState('database is not open');
    if (this.#closed || now !== this.#open) throw invalidState('capture is not open');
    this.#open.connection.engine.refuseInLog();
    return this.#log;
  }
}

/** What a capture records, and how. */
export interface CaptureOptions {
  /** The tables to record; all by default. */
  tables?: readonly string[];
  /** The database: 'main', 'temp' or an attached one. */
  db?: string;
  /** As in {@link SessionCreation}. */
  filter?: ((table: string) => boolean) | readonly string[];
  /** As in {@link SessionCreation}. */
  rowid?: boolean;
  /** Marks changes as indirect. */
  indirect?: boolean;
  /** Omits old values. */
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

/** @returns the capture, and what to do once it is garbage-collected, which may not refer to the capture */
export function startCapture(
  { open, now }: RecordedDatabase,
  options: CaptureOptions,
): { capture: Capture; forget: () => void } {
  checkOptions(options, captureOptionKinds);
  checkTables(options);
  const log = new CaptureLog(open.connection, {
    database: options.db ?? 'main',
    tables: options.tables ?? null,
    filter: options.filter,
    rowid: options.rowid ?? false,
    indirect: options.indirect ?? false,
    kind: options.patchset ? 'patchset' : 'changeset',
  });
  return { capture: construct(open, log, now), forget: () => log.end() };
}
