/** Changesets as immutable objects that can be read, transformed and built. */

import { changeAt, IteratorConflict } from '../applying/changes.js';
import {
  changesOf,
  concatPieces,
  invertPieces,
  type Pieces,
  pieceSize,
  readable,
} from '../applying/changeset-streams.js';
import { type ChangeLike, concat, Group, invert, rebase } from '../applying/transform.js';
import { type Change, type Operation, patchsetMark } from '../changeset/format.js';

import { checkArgument, checkOptions, invalidType, outOfRange } from '../kernel/arguments.js';
import { engine } from '../kernel/engine-of-thread.js';
import { connectionOf } from './connections.js';

/** A changeset as an object or as its bytes. */
export type ChangesetLike = Changeset | Uint8Array;

function bytesOf(changeset: ChangesetLike, name = 'changeset'): Uint8Array {
  if (changeset instanceof Changeset) return changeset.bytes;
  if (changeset instanceof Uint8Array) return changeset;
  throw invalidType(`The "${name}" argument must be a Changeset or a Uint8Array.`);
}

function checkedPieces(name: string, pieces: Pieces): Pieces {
  const iterable = typeof pieces === 'object' && pieces !== null && Symbol.iterator in pieces;
  if (iterable && !ArrayBuffer.isView(pieces)) return pieces;
  throw invalidType(`The "${name}" argument must be an iterable of Uint8Arrays.`);
}

/** A changeset or patchset. It is immutable and needs no database. Transformations return a new changeset. */
export class Changeset implements Iterable<Change> {
  /** The changeset in SQLite's format. Do not change these bytes: the changeset owns them. */
  readonly bytes: Uint8Array;

  /** @param bytes are not copied, and are checked only when they are read */
  constructor(bytes: Uint8Array) {
    if (!(bytes instanceof Uint8Array)) throw invalidType('The "bytes" argument must be a Uint8Array.');
    this.bytes = bytes;
  }

  /** Reads a changeset from pieces, such as a ReadableStream. */
  static async from(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Changeset> {
    const kept: Uint8Array[] = [];
    for await (const piece of pieces) kept.push(piece);
    return changesetOf(new Uint8Array(Buffer.concat(kept)));
  }

  /**
   * Builds a changeset or patchset from changes of tables of `database`. C: `sqlite3changegroup_change_begin` and
   * related functions.
   */
  static of(
    database: object,
    changes: Iterable<ChangeLike>,
    options: { patchset?: boolean; db?: string } = {},
  ): Changeset {
    checkOptions(options, { patchset: 'boolean', db: 'string' });
    using group = new ChangesetGroup();
    group.schema(database, options.db ?? 'main');
    if (options.patchset) group.patchset();
    for (const change of changes) group.addChange(change);
    return group.output();
  }

  /** Joins changesets, in order, into one. C: `sqlite3changeset_concat`. */
  static concat(...changesets: ChangesetLike[]): Changeset {
    return joined(changesets);
  }

  /**
   * Iterates over the changes of a changeset that is given in pieces. Only one piece is in memory at a time. C:
   * `sqlite3changeset_start_v2_strm`.
   *
   * @param inverted returns the inverse changes
   * @throws SqliteError if the changeset is malformed. An exception of `pieces` is rethrown unchanged.
   */
  static read(pieces: Pieces, inverted = false): IterableIterator<Change> {
    checkArgument('inverted', inverted, 'boolean');
    return changesOf(engine(), checkedPieces('pieces', pieces), inverted, changeAt);
  }

  /** Inverts a changeset in pieces. The caller owns the pieces passed to `take`. C: `sqlite3changeset_invert_strm`. */
  static invertTo(pieces: Pieces, take: (piece: Uint8Array) => void): void {
    checkArgument('take', take, 'function');
    invertPieces(engine(), checkedPieces('pieces', pieces), (piece) => take(piece.slice()));
  }

  /** Joins two changesets in pieces. The caller owns the pieces passed to `take`. C: `sqlite3changeset_concat_strm`. */
  static concatTo(first: Pieces, second: Pieces, take: (piece: Uint8Array) => void): void {
    checkArgument('take', take, 'function');
    concatPieces(engine(), checkedPieces('first', first), checkedPieces('second', second), (piece) =>
      take(piece.slice()),
    );
  }

  /**
   * Returns the approximate size of the pieces of all streams, in bytes. Sets it first if `bytes` is given. The size
   * holds for all databases of the thread. C: `sqlite3session_config`.
   */
  static pieceSize(bytes?: number): number {
    if (bytes !== undefined) {
      checkArgument('bytes', bytes, 'integer');
      if (bytes < 1) throw outOfRange('The "bytes" argument must be at least 1.');
    }
    return pieceSize(engine(), bytes);
  }

  /** Whether the changeset has no changes. */
  get isEmpty(): boolean {
    return this.bytes.length === 0;
  }

  /** Whether this is a patchset, which has no old values. */
  get isPatchset(): boolean {
    return this.bytes[0] === patchsetMark;
  }

  /**
   * Iterates over the changes in order. C: `sqlite3changeset_start_v2`, `sqlite3changeset_next`.
   *
   * @throws SqliteError (SQLITE_CORRUPT) if the changeset is malformed
   */
  [Symbol.iterator](): Iterator<Change> {
    return changesOf(engine(), this.bytes, false, changeAt);
  }

  /** Returns the changeset that undoes this one. C: `sqlite3changeset_invert`. @throws SqliteError for a patchset */
  invert(): Changeset {
    return changesetOf(invert(engine().core, this.bytes));
  }

  /** Joins this changeset and others, in order, into one. C: `sqlite3changeset_concat`. */
  concat(...others: ChangesetLike[]): Changeset {
    return joined([this, ...others]);
  }

  /**
   * Rebases the changes on changesets that were applied before them elsewhere. `rebases` are their rebase buffers from
   * {@link ApplyReport}, in order. C: `sqlite3rebaser_rebase`.
   */
  rebase(...rebases: Uint8Array[]): Changeset {
    for (const buffer of rebases) bytesOf(buffer, 'rebases');
    return changesetOf(rebase(engine().core, this.bytes, rebases));
  }
}

// Outside the class: the bundler renames a class that names itself, also for users.
function changesetOf(bytes: Uint8Array): Changeset {
  return new Changeset(bytes);
}

function joined(changesets: readonly ChangesetLike[]): Changeset {
  return changesetOf(
    concat(
      engine(),
      changesets.map((one) => bytesOf(one)),
    ),
  );
}

const operations: readonly Operation[] = ['insert', 'update', 'delete'];

/**
 * Merges changesets and single changes into one changeset. Close the group when done, because it uses memory outside of
 * JavaScript.
 */
export class ChangesetGroup implements Disposable {
  readonly #group = new Group(engine());

  /**
   * Sets the database whose schema describes the tables. It allows adding changes of its tables, and changesets that
   * were made before columns were added. Must be called first. C: `sqlite3changegroup_schema`.
   */
  schema(database: object, db = 'main'): void {
    checkArgument('db', db, 'string');
    this.#group.schema(connectionOf(database), db);
  }

  /** Makes the group build a patchset. Must be called before the first change. C: `sqlite3changegroup_config`. */
  patchset(): void {
    this.#group.patchset();
  }

  /** Adds all changes of a changeset. If it fails, the group is unchanged. C: `sqlite3changegroup_add`. */
  add(changeset: ChangesetLike): void {
    this.#group.add(bytesOf(changeset));
  }

  /** Adds all changes of a changeset that is given in pieces. C: `sqlite3changegroup_add_strm`. */
  addFrom(pieces: Pieces): void {
    this.#group.addFrom(checkedPieces('pieces', pieces));
  }

  /**
   * Adds one change. In a conflict handler, adds the change of the conflict, which keeps a change that was not applied. A
   * bigint becomes INTEGER, a number REAL, and undefined means that the value is not part of the change. The table must
   * be in the database of {@link schema} or in a changeset that was added before; without a schema, the change's `key`
   * describes it. So a change that was read can be added as it is; call {@link patchset} before adding an INSERT of a
   * patchset. C: `sqlite3changegroup_change_begin`, `_finish`; for a conflict `sqlite3changegroup_add_change`.
   */
  addChange(change: ChangeLike): void {
    if (change instanceof IteratorConflict) {
      this.#group.addIterated(change.address);
      return;
    }
    if (!operations.includes(change?.op)) {
      throw invalidType('The "change.op" argument must be insert, update or delete.');
    }
    checkArgument('change.table', change.table, 'string');
    this.#group.addChange(change);
  }

  /** Returns all changes as one changeset. More changes can be added afterwards. C: `sqlite3changegroup_output`. */
  output(): Changeset {
    return new Changeset(this.#group.output());
  }

  /** Passes the changeset to `take` in pieces. C: `sqlite3changegroup_output_strm`. */
  outputTo(take: (piece: Uint8Array) => void): void {
    checkArgument('take', take, 'function');
    this.#group.outputTo((piece) => take(piece.slice()));
  }

  /** Returns the changeset as a stream. All pieces are made at once. */
  outputStream(): ReadableStream<Uint8Array> {
    return readable((take) => this.#group.outputTo(take));
  }

  /** Frees the group. */
  close(): void {
    this.#group[Symbol.dispose]();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
