/** Changesets in code: values that can be read, changed and made. */

import { checkArgument, checkOptions, invalidType } from './arguments.js';
import { type Change, operationCodes } from './changes.js';
import { connectionOf } from './connections.js';
import { engine } from './thread.js';
import { changesOf, concat, Group, invert, rebase } from './transform.js';

/** What a changeset can be given as. */
export type ChangesetLike = Changeset | Uint8Array;

function bytesOf(changeset: ChangesetLike, name = 'changeset'): Uint8Array {
  if (changeset instanceof Changeset) return changeset.bytes;
  if (changeset instanceof Uint8Array) return changeset;
  throw invalidType(`The "${name}" argument must be a Changeset or a Uint8Array.`);
}

/** A changeset or patchset. It never changes; what changes it makes another. No database is needed. */
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
   * A changeset, or a patchset, of changes; tables are those of `database`.
   * C: `sqlite3changegroup_change_begin` and what goes with it.
   */
  static of(
    database: object,
    changes: Iterable<Change>,
    options: { patchset?: boolean; db?: string } = {},
  ): Changeset {
    checkOptions(options, { patchset: 'boolean', db: 'string' });
    using group = new ChangesetGroup();
    group.schema(database, options.db ?? 'main');
    if (options.patchset) group.patchset();
    for (const change of changes) group.addChange(change);
    return group.output();
  }

  /** One changeset that does what the given ones do one after another. C: `sqlite3changeset_concat`. */
  static concat(...changesets: ChangesetLike[]): Changeset {
    return new Changeset(
      concat(
        engine(),
        changesets.map((one) => bytesOf(one)),
      ),
    );
  }

  /** Whether there is nothing in it. */
  get isEmpty(): boolean {
    return this.bytes.length === 0;
  }

  /** Whether it is a patchset: without old values. */
  get isPatchset(): boolean {
    return this.bytes[0] === 0x50;
  }

  /**
   * Its changes in order. C: `sqlite3changeset_start_v2`, `sqlite3changeset_next`.
   *
   * @throws SqliteError (SQLITE_CORRUPT) where it is malformed
   */
  [Symbol.iterator](): Iterator<Change> {
    return changesOf(engine().core, this.bytes);
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
   * The same changes, made to fit what was applied before them elsewhere: `rebases` are the rebase buffers of
   * {@link ApplyReport}, in order. C: `sqlite3rebaser_rebase`.
   */
  rebase(...rebases: Uint8Array[]): Changeset {
    for (const buffer of rebases) bytesOf(buffer, 'rebases');
    return new Changeset(rebase(engine().core, this.bytes, rebases));
  }
}

/** Changesets and changes that become one changeset. Close it: it holds memory outside of JavaScript. */
export class ChangesetGroup implements Disposable {
  readonly #group = new Group(engine());

  /**
   * Names the database whose tables changes are built for, and by which changesets made before columns were added
   * are filled up. Before anything else. C: `sqlite3changegroup_schema`.
   */
  schema(database: object, db = 'main'): void {
    checkArgument('db', db, 'string');
    this.#group.schema(connectionOf(database), db);
  }

  /** Builds a patchset. Before the first change. C: `sqlite3changegroup_config`. */
  patchset(): void {
    this.#group.patchset();
  }

  /** Adds all changes of a changeset. On an error the group is as it was. C: `sqlite3changegroup_add`. */
  add(changeset: ChangesetLike): void {
    this.#group.add(bytesOf(changeset));
  }

  /**
   * Adds one change. INTEGER values are bigint, numbers are REAL, undefined is no part of the change.
   * C: `sqlite3changegroup_change_begin`, `_finish`.
   */
  addChange(change: Change): void {
    if (!(change?.op in operationCodes)) {
      throw invalidType('The "change.op" argument must be insert, update or delete.');
    }
    checkArgument('change.table', change.table, 'string');
    this.#group.addChange(change);
  }

  /** All changes as one changeset; the group can go on. C: `sqlite3changegroup_output`. */
  output(): Changeset {
    return new Changeset(this.#group.output());
  }

  /** The same in pieces. C: `sqlite3changegroup_output_strm`. */
  outputTo(take: (piece: Uint8Array) => void): void {
    checkArgument('take', take, 'function');
    this.#group.outputTo((piece) => take(piece.slice()));
  }

  /** Frees it. */
  close(): void {
    this.#group[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
