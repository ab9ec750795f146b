/**
 * Splits a recording at statements that change the schema. A C session cannot be read after one of its tables was
 * dropped, renamed or lost a column. So its changes are read before such a statement and held, and a new C session
 * continues.
 *
 * The old session is kept until the transaction commits. If a rollback undoes the statement, the old session becomes
 * valid again and continues. The schema version shows which statements a rollback undid, because the rollback restores
 * the version and no other connection can change it within the transaction.
 */

import { CAPTURE_ROLLBACK, SQLITE_DONE } from '../core/constants.js';
import type { Connection } from '../kernel/connection.js';
import { schemaVersion } from '../kernel/schema.js';

/** The recording before a statement that a rollback can still undo. */
export interface Segment<Recorder, Held> {
  /** The recorder, which is paused. */
  readonly recorder: Recorder;
  readonly held: Held;
  /** The schema version after the statement. */
  readonly after: bigint;
}

/** The operations on recorders when segments end. */
export interface Ends<Recorder, Held> {
  /**
   * Called after a rollback undid the statement after `segment`. Its recorder continues in place of `last`, which is
   * ended next.
   */
  rejoin(segment: Segment<Recorder, Held>, last: Recorder): void;
  end(recorder: Recorder): void;
  /** Whether to keep the held data after the statement can no longer be undone. */
  isKept(held: Held): boolean;
}

export class Segments<Recorder, Held> {
  readonly #connection: Connection;
  readonly #database: string;
  readonly #ends: Ends<Recorder, Held>;
  #recorder: Recorder;
  /** The held data of segments whose statements can no longer be undone, oldest first. */
  #past: Held[] = [];
  /** The later segments, whose statements can still be undone. */
  #open: Segment<Recorder, Held>[] = [];
  /** Whether an error may have undone a statement within the transaction. */
  #isDoubtful = false;

  constructor(connection: Connection, database: string, first: Recorder, ends: Ends<Recorder, Held>) {
    this.#connection = connection;
    this.#database = database;
    this.#ends = ends;
    this.#recorder = first;
  }

  get recorder(): Recorder {
    return this.#recorder;
  }

  /** The current recorder, and those that continue if the transaction is rolled back. */
  get recorders(): Recorder[] {
    return [...this.#open.map(({ recorder }) => recorder), this.#recorder];
  }

  /** The held data of all segments, oldest first. Call {@link reconcile} first. */
  get held(): Held[] {
    return [...this.#past, ...this.#open.map(({ held }) => held)];
  }

  /**
   * Ends a segment at a statement; `next` continues. The caller has paused the current recorder, and calls {@link
   * settle} next.
   *
   * @param after the schema version after the statement
   */
  cut(next: Recorder, held: Held, after: bigint): void {
    this.#open.push({ recorder: this.#recorder, held, after });
    this.#recorder = next;
  }

  /**
   * Called after a statement was stepped, with the arguments of {@link SchemaListener.after}. Runs no query if `code`
   * is an error.
   *
   * @returns how the transaction ended; undefined if it did not end
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

  /** Detects statements that an error undid, and transactions that ended without a report. */
  reconcile(): void {
    const last = this.#open.at(-1);
    if (!last) return;
    if (this.#connection.inTransaction) {
      if (this.#isDoubtful) this.#rewind();
    } else if (this.#schemaVersion() === last.after) this.#commit();
    else this.#undo(0);
  }

  /** Removes the held data of the first `count` segments. */
  forget(count: number): void {
    const past = this.#past.splice(0, count).length;
    for (const { recorder } of this.#open.splice(0, count - past)) this.#ends.end(recorder);
  }

  /** Removes all segments; `next` continues. */
  restart(next: Recorder): void {
    this.end();
    this.#past = [];
    this.#open = [];
    this.#recorder = next;
  }

  end(): void {
    for (const recorder of this.recorders) this.#ends.end(recorder);
  }

  /** Removes the segments of statements that a rollback within the transaction undid. */
  #rewind(): void {
    if (this.#open.length > 0) {
      const version = this.#schemaVersion();
      const undone = this.#open.findIndex(({ after }) => after > version);
      if (undone >= 0) this.#undo(undone);
    }
    this.#isDoubtful = false;
  }

  /** Returns to the state before the statement that ended the open segment at `index`. */
  #undo(index: number): void {
    const [first, ...rest] = this.#open.splice(index);
    this.#isDoubtful = false;
    if (!first) return;
    const last = this.#recorder;
    this.#recorder = first.recorder;
    this.#ends.rejoin(first, last);
    for (const recorder of [...rest.map((segment) => segment.recorder), last]) this.#ends.end(recorder);
  }

  /** Called after a commit. Ends the recorders that only a rollback would have needed. */
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
