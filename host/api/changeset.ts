/** Changesets in code: immutable values that can be read, transformed and built. */

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

/** What a changeset can be given as. */
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

/** A changeset or patchset. It is immutable: transformations make another. No database is needed. */
export class Changeset implements Iterable<Change> {
  /** Its bytes, as the C library writes them. They belong to the changeset: do not change them. */
  readonly bytes: Uint8Array;

  /** @param bytes kept, not copied; not checked until they are read */
  constructor(bytes: Uint8Array) {
    if (!(bytes instanceof Uint8Array)) throw invalidType('The "bytes" argument must be a Uint8Array.');
    this.bytes = bytes;
  }

  /** Reads a changeset that comes in pieces, such as a ReadableStream. */
  static async from(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Changeset> {
    const kept: Uint8Array[] = [];
    for await (const piece of pieces) kept.push(piece);
    return new Changeset(new Uint8Array(Buffer.concat(kept)));
  }

  /**
   * Builds a changeset or patchset of changes; tables are those of `database`.
   * C: `sqlite3changegroup_change_begin` and related functions.
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

  /** One changeset that does what the given ones do in order. C: `sqlite3changeset_concat`. */
  static concat(...changesets: ChangesetLike[]): Changeset {
    return new Changeset(
      concat(
        engine(),
        changesets.map((one) => bytesOf(one)),
      ),
    );
  }

  /**
   * The changes of a changeset in pieces, one of which is in memory at a time.
   * C: `sqlite3changeset_start_v2_strm`.
   *
   * @param inverted returns the changes that undo them
   * @throws SqliteError if it is malformed; what the pieces throw is rethrown unchanged
   */
  static read(pieces: Pieces, inverted = false): IterableIterator<Change> {
    checkArgument('inverted', inverted, 'boolean');
    return changesOf(engine(), checkedPieces('pieces', pieces), inverted, changeAt);
  }

  /** Inverts in pieces; the caller owns each piece that `take` gets. C: `sqlite3changeset_invert_strm`. */
  static invertTo(pieces: Pieces, take: (piece: Uint8Array) => void): void {
    checkArgument('take', take, 'function');
    invertPieces(engine(), checkedPieces('pieces', pieces), (piece) => take(piece.slice()));
  }

  /** Joins two in pieces; the caller owns each piece that `take` gets. C: `sqlite3changeset_concat_strm`. */
  static concatTo(first: Pieces, second: Pieces, take: (piece: Uint8Array) => void): void {
    checkArgument('take', take, 'function');
    concatPieces(engine(), checkedPieces('first', first), checkedPieces('second', second), (piece) =>
      take(piece.slice()),
    );
  }

  /**
   * The approximate size of the pieces of all streams, in bytes; sets it first if given. One number for all
   * databases of the thread. C: `sqlite3session_config`.
   */
  static pieceSize(bytes?: number): number {
    if (bytes !== undefined) {
      checkArgument('bytes', bytes, 'integer');
      if (bytes < 1) throw outOfRange('The "bytes" argument must be at least 1.');
    }
    return pieceSize(engine(), bytes);
  }

  /** Whether it is empty. */
  get isEmpty(): boolean {
    return this.bytes.length === 0;
  }

  /** Whether it is a patchset: without old values. */
  get isPatchset(): boolean {
    return this.bytes[0] === patchsetMark;
  }

  /**
   * Its changes in order. C: `sqlite3changeset_start_v2`, `sqlite3changeset_next`.
   *
   * @throws SqliteError (SQLITE_CORRUPT) if it is malformed
   */
  [Symbol.iterator](): Iterator<Change> {
    return changesOf(engine(), this.bytes, false, changeAt);
  }

  /** What undoes it. C: `sqlite3changeset_invert`. @throws SqliteError for a patchset */
  invert(): Changeset {
    return new Changeset(invert(engine().core, this.bytes));
  }

  /** One changeset that does what this one and then the others do. C: `sqlite3changeset_concat`. */
  concat(...others: ChangesetLike[]): Changeset {
    return Changeset.concat(this, ...others);
  }

  /**
   * The same changes, rebased on what was applied before them elsewhere: `rebases` are the rebase buffers of
   * {@link ApplyReport}, in order. C: `sqlite3rebaser_rebase`.
   */
  rebase(...rebases: Uint8Array[]): Changeset {
    for (const buffer of rebases) bytesOf(buffer, 'rebases');
    return new Changeset(rebase(engine().core, this.bytes, rebases));
  }
}

const operations: readonly Operation[] = ['insert', 'update', 'delete'];

/** Changesets and changes that become one changeset. Close it: it holds memory outside of JavaScript. */
export class ChangesetGroup implements Disposable {
  readonly #group = new Group(engine());

  /**
   * Sets the database for whose tables changes are built, and whose columns complete changesets made before columns
   * were added. Must be called first. C: `sqlite3changegroup_schema`.
   */
  schema(database: object, db = 'main'): void {
    checkArgument('db', db, 'string');
    this.#group.schema(connectionOf(database), db);
  }

  /** Builds a patchset. Before the first change. C: `sqlite3changegroup_config`. */
  patchset(): void {
    this.#group.patchset();
  }

  /** Adds all changes of a changeset. On an error the group is unchanged. C: `sqlite3changegroup_add`. */
  add(changeset: ChangesetLike): void {
    this.#group.add(bytesOf(changeset));
  }

  /** The same for a changeset that comes in pieces. C: `sqlite3changegroup_add_strm`. */
  addFrom(pieces: Pieces): void {
    this.#group.addFrom(checkedPieces('pieces', pieces));
  }

  /**
   * Adds one change: of values, or the conflict of a handler that runs, to keep what could not be applied.
   * INTEGER values are bigint, numbers are REAL, undefined is not part of the change. Its table is one of `schema`, of a
   * changeset that was added, or, without a schema, the one that its `key` describes: a change that was read can be
   * added as it is, an INSERT of a patchset after {@link patchset} was called.
   * C: `sqlite3changegroup_change_begin`, `_finish`; for a conflict `sqlite3changegroup_add_change`.
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

  /** All changes as one changeset; the group can continue. C: `sqlite3changegroup_output`. */
  output(): Changeset {
    return new Changeset(this.#group.output());
  }

  /** The same in pieces. C: `sqlite3changegroup_output_strm`. */
  outputTo(take: (piece: Uint8Array) => void): void {
    checkArgument('take', take, 'function');
    this.#group.outputTo((piece) => take(piece.slice()));
  }

  /** The same as a stream of pieces, all of which are made at once. */
  outputStream(): ReadableStream<Uint8Array> {
    return readable((take) => this.#group.outputTo(take));
  }

  /** Frees it. */
  close(): void {
    this.#group[Symbol.dispose]();
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
