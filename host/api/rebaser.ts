import { type Pieces, type Take, withInput } from '../applying/changeset-streams.js';
import { changesetError, checkChangeset, takeBytes } from '../applying/transform.js';
import { SQLITE_MISUSE, SQLITE_OK } from '../core/constants.js';
import { checkArgument, invalidType } from '../kernel/arguments.js';
import { Busy } from '../kernel/busy.js';
import type { Engine } from '../kernel/engine.js';
import { engine } from '../kernel/engine-of-thread.js';
import { streamed } from '../kernel/pieces.js';
import { Changeset, type ChangesetLike } from './changeset.js';

/**
 * Rebases changesets on the conflicts that were resolved when other changesets were applied. Close the rebaser when
 * done, because it uses memory outside of JavaScript. C: `sqlite3rebaser_create` and related functions.
 */
export class Rebaser implements Disposable {
  readonly #engine: Engine = engine();
  #pointer: number;
  readonly #busy = new Busy();

  constructor() {
    const { core } = this.#engine;
    using arena = core.memory.arena();
    const out = arena.allocate(4);
    this.#check(core.c.sqlite3rebaser_create(out));
    this.#pointer = core.memory.pointerAt(out);
  }

  /**
   * Adds the rebase buffer of an apply ({@link ApplyReport}). Call it in the order in which the changesets were
   * applied. C: `sqlite3rebaser_configure`.
   *
   * @throws SqliteError if the buffer is malformed
   */
  configure(buffer: Uint8Array): void {
    if (!(buffer instanceof Uint8Array)) throw invalidType('The "buffer" argument must be a Uint8Array.');
    const pointer = this.#live();
    const { c, memory } = this.#engine.core;
    using arena = memory.arena();
    this.#check(
      c.sqlite3rebaser_configure(pointer, buffer.length, arena.bytes(buffer)),
      'the rebase buffer is malformed, or is a patchset',
    );
  }

  /** Returns the rebased changeset. C: `sqlite3rebaser_rebase`. @throws SqliteError if `changeset` is malformed */
  rebase(changeset: ChangesetLike): Changeset {
    const pointer = this.#live();
    const { core } = this.#engine;
    const bytes = changeset instanceof Changeset ? changeset.bytes : changeset;
    if (!(bytes instanceof Uint8Array)) {
      throw invalidType('The "changeset" argument must be a Changeset or a Uint8Array.');
    }
    checkChangeset(core, 'rebase', bytes);
    using arena = core.memory.arena();
    const copy = arena.bytes(bytes);
    return new Changeset(
      takeBytes(core, 'rebase', (length, place) =>
        core.c.sqlite3rebaser_rebase(pointer, bytes.length, copy, length, place),
      ),
    );
  }

  /**
   * Rebases a changeset in pieces. The caller owns each piece that `take` receives. If the input is damaged or
   * truncated, the C library ends the output there without an error. Check untrusted input first with `Changeset.read`.
   * C: `sqlite3rebaser_rebase_strm`.
   */
  rebaseTo(pieces: Pieces, take: Take): void {
    checkArgument('take', take, 'function');
    const pointer = this.#live();
    const { c } = this.#engine.core;
    const code = this.#busy.during(() =>
      withInput(this.#engine, pieces, (input, inputId) =>
        streamed(
          this.#engine,
          (piece) => take(piece.slice()),
          (output, id) => c.sqlite3rebaser_rebase_strm(pointer, input, inputId, output, id),
        ),
      ),
    );
    this.#check(code);
  }

  /**
   * Frees the rebaser. Can be called more than once. C: `sqlite3rebaser_delete`.
   *
   * @throws SqliteError (SQLITE_MISUSE) in its own callback
   */
  close(): void {
    this.#refuseInCallback();
    if (this.#pointer !== 0) this.#engine.core.c.sqlite3rebaser_delete(this.#pointer);
    this.#pointer = 0;
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #refuseInCallback(): void {
    this.#engine.refuseInLog();
    if (!this.#busy.isOn) return;
    throw changesetError('rebase', SQLITE_MISUSE, {
      said: 'the rebaser cannot be used in its own callback',
    });
  }

  #live(): number {
    this.#refuseInCallback();
    if (this.#pointer !== 0) return this.#pointer;
    throw changesetError('rebase', SQLITE_MISUSE, { said: 'the rebaser is closed' });
  }

  #check(code: number, said?: string): void {
    if (code !== SQLITE_OK) throw changesetError('rebase', code, { said });
  }
}
