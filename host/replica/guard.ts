/**
 * Restricts what a program can do on the connection of a replica. The program can write only in transactions of the
 * replica, and cannot change settings that must be equal in all copies.
 */

import { type Action, subject, written } from '../api/actions.js';
import { authorizerConstants as constants } from '../api/authorizer.js';
import { SQLITE_AUTH, SQLITE_DENY, SQLITE_OK, SQLITE_TXN_WRITE } from '../core/constants.js';
import { SqliteError } from '../core/errors.js';
import type { Connection } from '../kernel/connection.js';
import { hooksOf } from '../kernel/hooks.js';
import { isOwn } from './allowed.js';
import { replicaError } from './errors.js';

/** Pragmas that a program may set. They apply to the connection or the transaction, or they are captured. */
const settable = new Set([
  'analysis_limit',
  'application_id',
  'automatic_index',
  'busy_timeout',
  'cache_size',
  'cache_spill',
  'cell_size_check',
  'defer_foreign_keys',
  'mmap_size',
  'recursive_triggers',
  'synchronous',
  'reverse_unordered_selects',
  'threads',
  'user_version',
  'wal_autocheckpoint',
]);
/** Pragmas that take an argument but only read. */
const telling = new Set([
  'foreign_key_check',
  'foreign_key_list',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'quick_check',
  'table_info',
  'table_list',
  'table_xinfo',
  'wal_checkpoint',
]);

/** Who runs statements: the program outside or inside a transaction of the replica, or the replica itself. */
type Mode = 'outside' | 'inside' | 'own';

export class Guard implements Disposable {
  readonly #connection: Connection;
  #mode: Mode = 'outside';
  /** The reason why the last statement was refused. */
  #refused: string | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    hooksOf(connection).add(
      {
        authorize: (code, [first, second, database, source]) =>
          this.#authorize({ code, first, second, database, source }),
        commit: () => this.#mayCommit(),
      },
      this,
    );
  }

  /** Whether the function of a transaction is running. */
  get isInside(): boolean {
    return this.#mode === 'inside';
  }

  /** Runs statements of the replica itself, which are not restricted. */
  own<T>(action: () => T): T {
    return this.#as('own', action);
  }

  /**
   * Runs the function of a transaction.
   *
   * @throws ReplicaError (`refused`) if the function ran a forbidden statement; any other error that the function
   *   throws
   */
  inside<T>(action: () => T): T {
    this.#refused = undefined;
    try {
      return this.#as('inside', action);
    } catch (error) {
      const why: string | undefined = this.#refused;
      if (!(error instanceof SqliteError) || error.errcode !== SQLITE_AUTH || why === undefined) throw error;
      throw replicaError('refused', why, error);
    }
  }

  [Symbol.dispose](): void {
    if (!this.#connection.isClosed) hooksOf(this.#connection).remove(this);
  }

  #as<T>(mode: Mode, action: () => T): T {
    const outer = this.#mode;
    this.#mode = mode;
    try {
      return action();
    } finally {
      this.#mode = outer;
    }
  }

  /**
   * Whether a commit is allowed. The authorizer does not see a statement that was compiled in a transaction and is run
   * outside one.
   */
  #mayCommit(): boolean {
    if (this.#mode === 'own' || !this.#writesMain()) return true;
    const why =
      this.#mode === 'inside'
        ? 'the function of a transaction may not end it'
        : 'use transaction() of the replica to make changes';
    return this.#connection.engine.attempt(false, () => {
      throw replicaError('refused', `nothing was written: ${why}`);
    });
  }

  #writesMain(): boolean {
    const { db, engine } = this.#connection;
    using arena = engine.core.memory.arena();
    return engine.core.c.sqlite3_txn_state(db, arena.cString('main')) === SQLITE_TXN_WRITE;
  }

  #authorize(action: Action): number {
    if (this.#mode === 'own') return SQLITE_OK;
    const why = this.#mode === 'inside' ? refusedInside(action) : refusedOutside(action);
    if (why === undefined) return SQLITE_OK;
    this.#refused ??= why;
    hooksOf(this.#connection).denied(why);
    return SQLITE_DENY;
  }
}

function refusedInside(action: Action): string | undefined {
  const { code, first } = action;
  if (code === constants.SQLITE_TRANSACTION) {
    return `${first} is refused in a transaction of the replica: throw an error to roll back`;
  }
  const to = written(action);
  if (to === 'main' && namesOwn(action)) {
    return `${subject(action)} contains the state of the replica and cannot be changed`;
  }
  const isVirtual = code === constants.SQLITE_CREATE_VTABLE && to === 'main';
  if (isVirtual && action.second?.toLowerCase() !== 'fts5') {
    return `the virtual table ${subject(action)} is refused: only fts5 tables are replicated, not tables of ${action.second}`;
  }
  return refusedAnywhere(action);
}

function refusedOutside(action: Action): string | undefined {
  const to = written(action);
  if (to === 'main') {
    return `${subject(action) || 'the database'} is replicated: use transaction() of the replica to change it`;
  }
  return refusedAnywhere(action);
}

function refusedAnywhere({ code, first, second }: Action): string | undefined {
  if (code === constants.SQLITE_ATTACH || code === constants.SQLITE_DETACH) {
    return 'ATTACH, DETACH and VACUUM are refused on the connection of a replica: use another connection';
  }
  if (code !== constants.SQLITE_PRAGMA || second === null) return undefined;
  const name = (first ?? '').toLowerCase();
  if (settable.has(name) || telling.has(name)) return undefined;
  return `PRAGMA ${name} cannot be set on the connection of a replica`;
}

/** Whether an action concerns a table of the replica. For a trigger or an index, the table is the second argument. */
function namesOwn({ code, first, second }: Action): boolean {
  if (code === constants.SQLITE_ANALYZE || code === constants.SQLITE_REINDEX) return false;
  if (first !== null && isOwn(first)) return true;
  return code !== constants.SQLITE_UPDATE && second !== null && isOwn(second);
}
