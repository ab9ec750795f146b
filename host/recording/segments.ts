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

/** What was recorded before a statement that a rollback can still undo. */
export interface Segment<Recorder, Held> {
  /** What recorded it, and is at rest. */
  readonly recorder: Recorder;
  readonly held: Held;
  /** The schema's version after the statement. */
  readonly after: bigint;
}

/** What is done with recorders at the ends of segments. */
export interface Ends<Recorder, Held> {
  /** A rollback undid the statement after `segment`: its recorder continues in place of `last`, which is ended next. */
  rejoin(segment: Segment<Recorder, Held>, last: Recorder): void;
  end(recorder: Recorder): void;
  /** Whether it must be kept once the statement can no longer be undone. */
  isKept(held: Held): boolean;
}

export class Segments<Recorder, Held> {
  readonly #connection: Connection;
  readonly #database: string;
  readonly #ends: Ends<Recorder, Held>;
  #recorder: Recorder;
  /** What is held of segments whose statements can no longer be undone, oldest first. */
  #past: Held[] = [];
  /** Those whose statements can be, which are later. */
  #open: Segment<Recorder, Held>[] = [];
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
    return [...this.#open.map(({ recorder }) => recorder), this.#recorder];
  }

  /** What was cut off, oldest first; up to date after {@link reconcile}. */
  get held(): Held[] {
    return [...this.#past, ...this.#open.map(({ held }) => held)];
  }

  /**
   * A statement cut off what was recorded, which is at rest now; `next` continues. {@link settle} is called next.
   *
   * @param after the schema's version after the statement
   */
  cut(next: Recorder, held: Held, after: bigint): void {
    this.#open.push({ recorder: this.#recorder, held, after });
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
    this.#undo(0);
    return 'rolled back';
  }

  /** Detects what an error undid, and ends of transactions that were not reported. */
  reconcile(): void {
    const last = this.#open.at(-1);
    if (!last) return;
    if (this.#connection.inTransaction) {
      if (this.#isDoubtful) this.#rewind();
    } else if (this.#schemaVersion() === last.after) this.#commit();
    else this.#undo(0);
  }

  /** Forgets the first `count` of what is held. */
  forget(count: number): void {
    const past = this.#past.splice(0, count).length;
    for (const { recorder } of this.#open.splice(0, count - past)) this.#ends.end(recorder);
  }

  /** Forgets all that was recorded; `next` continues. */
  restart(next: Recorder): void {
    this.end();
    this.#past = [];
    this.#open = [];
    this.#recorder = next;
  }

  /** Ends all recorders. */
  end(): void {
    for (const recorder of this.recorders) this.#ends.end(recorder);
  }

  /** Drops the statements that a rollback within the transaction undid. */
  #rewind(): void {
    if (this.#open.length > 0) {
      const version = this.#schemaVersion();
      const undone = this.#open.findIndex(({ after }) => after > version);
      if (undone >= 0) this.#undo(undone);
    }
    this.#isDoubtful = false;
  }

  /** Returns to the state before the statement after the open segment at `index`. */
  #undo(index: number): void {
    const [first, ...rest] = this.#open.splice(index);
    this.#isDoubtful = false;
    if (!first) return;
    const last = this.#recorder;
    this.#recorder = first.recorder;
    this.#ends.rejoin(first, last);
    for (const recorder of [...rest.map((segment) => segment.recorder), last]) this.#ends.end(recorder);
  }

  /** The transaction was committed: recorders that a rollback would have needed are ended. */
  #commit(): void {
    for (const { recorder, held } of this.#open.splice(0)) {
      this.#ends.end(recorder);
      if (this.#ends.isKept(held)) this.#past.push(held);
    }
  }

  #schemaVersion(): bigint {
    return schemaVersion(this.#connection, this.#database);
  }
}
