/**
 * What is recorded between the statements that cut it off. A C session cannot read a table that was dropped, renamed
 * or lost a column: so what it recorded is read before such a statement and held, and another one continues.
 *
 * Until the transaction is committed the old one is kept, because a rollback undoes the statement, and what was recorded
 * before it becomes valid again. The schema's version number tells which statements a rollback undid: it is rolled
 * back too, and no other connection can change it meanwhile.
 */

import { CAPTURE_ROLLBACK, SQLITE_DONE } from '../core/constants.js';
import type { Connection } from '../kernel/connection.js';
import { schemaVersion } from '../kernel/schema.js';

/** A statement that cut off what was recorded, and what is held of that. */
export interface Segment<Recorder, Held> {
  /** What recorded before the statement, and is at rest. It is ended once `isOpen` is false. */
  readonly recorder: Recorder;
  readonly held: Held;
  /** The schema's version after the statement. */
  readonly after: bigint;
  /** Whether a rollback can undo the statement. */
  isOpen: boolean;
}

/** What is done with recorders at the ends of segments. */
export interface Ends<Recorder, Held> {
  /** A rollback undid the statement after `segment`: its recorder continues in place of `last`, which is ended next. */
  rejoin(segment: Segment<Recorder, Held>, last: Recorder): void;
  end(recorder: Recorder): void;
  /** Whether a segment must be kept that cannot be undone any more. */
  isKept(held: Held): boolean;
}

export class Segments<Recorder, Held> {
  readonly #connection: Connection;
  readonly #database: string;
  readonly #ends: Ends<Recorder, Held>;
  #recorder: Recorder;
  /** Oldest first: the open ones are the last ones. */
  #all: Segment<Recorder, Held>[] = [];
  /** Whether an error may have undone a statement within the transaction. */
  #isDoubtful = false;

  constructor(connection: Connection, database: string, first: Recorder, ends: Ends<Recorder, Held>) {
    this.#connection = connection;
    this.#database = database;
    this.#ends = ends;
    this.#recorder = first;
  }

  /** What records now. */
  get recorder(): Recorder {
    return this.#recorder;
  }

  /** That, and what records again if the transaction is rolled back. */
  get recorders(): Recorder[] {
    const open = this.#all.filter(({ isOpen }) => isOpen);
    return [...open.map(({ recorder }) => recorder), this.#recorder];
  }

  /** What was cut off, oldest first; up to date after {@link reconcile}. */
  get all(): readonly Segment<Recorder, Held>[] {
    return this.#all;
  }

  /** A statement cut off what was recorded, which is at rest now; `next` continues. {@link settle} is called next. */
  cut(next: Recorder, held: Held, after: bigint): void {
    this.#all.push({ recorder: this.#recorder, held, after, isOpen: true });
    this.#recorder = next;
  }

  /**
   * A statement was stepped, with the arguments of {@link SchemaListener.after}. No query runs if `code` is an error.
   *
   * @returns how the transaction ended, if it did
   */
  settle(kind: number, code: number): 'committed' | 'rolled back' | undefined {
    const isDone = code === SQLITE_DONE;
    if (this.#connection.inTransaction) {
      if (!isDone) this.#isDoubtful = true;
      else if (kind === CAPTURE_ROLLBACK) this.#rewind();
      return undefined;
    }
    if (isDone && kind !== CAPTURE_ROLLBACK) {
      if (this.#isDoubtful) this.#rewind();
      this.#commit();
      return 'committed';
    }
    this.#isDoubtful = false;
    this.#undo(this.#firstOpen);
    return 'rolled back';
  }

  /** Detects what an error undid, and ends of transactions that were not reported. */
  reconcile(): void {
    const last = this.#all.at(-1);
    if (!last?.isOpen) return;
    if (!this.#connection.inTransaction) {
      if (this.#schemaVersion() === last.after) this.#commit();
      else this.#undo(this.#firstOpen);
    } else if (this.#isDoubtful) this.#rewind();
  }

  /** Forgets the segments up to `last`. */
  forget(last: Segment<Recorder, Held>): void {
    for (const { isOpen, recorder } of this.#all.splice(0, this.#all.indexOf(last) + 1)) {
      if (isOpen) this.#ends.end(recorder);
    }
  }

  /** Forgets all that was recorded; `next` continues. */
  restart(next: Recorder): void {
    this.end();
    this.#all = [];
    this.#recorder = next;
  }

  /** Ends all recorders. */
  end(): void {
    for (const recorder of this.recorders) this.#ends.end(recorder);
  }

  /** Drops the statements that a rollback within the transaction undid. */
  #rewind(): void {
    if (this.#all.at(-1)?.isOpen) {
      const version = this.#schemaVersion();
      const undone = this.#all.findIndex(({ isOpen, after }) => isOpen && after > version);
      if (undone >= 0) this.#undo(undone);
    }
    this.#isDoubtful = false;
  }

  /** Returns to the state before the statement after the segment at `index`. */
  #undo(index: number): void {
    const [first, ...rest] = this.#all.splice(index);
    if (!first) return;
    const last = this.#recorder;
    this.#recorder = first.recorder;
    this.#ends.rejoin(first, last);
    for (const recorder of [...rest.map((segment) => segment.recorder), last]) this.#ends.end(recorder);
  }

  /** The transaction was committed: recorders that a rollback would have needed are ended. */
  #commit(): void {
    const open = this.#all.splice(this.#firstOpen);
    for (const segment of open) {
      this.#ends.end(segment.recorder);
      segment.isOpen = false;
    }
    this.#all.push(...open.filter(({ held }) => this.#ends.isKept(held)));
  }

  /** The index of the first statement that can still be undone; their number if none can. */
  get #firstOpen(): number {
    const found = this.#all.findIndex(({ isOpen }) => isOpen);
    return found < 0 ? this.#all.length : found;
  }

  #schemaVersion(): bigint {
    return schemaVersion(this.#connection, this.#database);
  }
}
