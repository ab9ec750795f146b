/** The hooks of a connection: one slot each in SQLite, any number here. */

import {
  HOOK_AUTHORIZE,
  HOOK_COMMIT,
  HOOK_ROLLBACK,
  HOOK_UPDATE,
  HOOK_WAL,
  SQLITE_DENY,
  SQLITE_IGNORE,
  SQLITE_OK,
} from '../core/constants.js';
import type { AuthorizedTexts, ConnectionHooks } from '../core/host.js';
import type { Connection } from './engine.js';

const kinds = {
  authorize: HOOK_AUTHORIZE,
  commit: HOOK_COMMIT,
  rollback: HOOK_ROLLBACK,
  update: HOOK_UPDATE,
  wal: HOOK_WAL,
} as const;

type Kind = keyof typeof kinds;

export class Hooks {
  readonly #connection: Connection;
  readonly #all: Partial<ConnectionHooks>[] = [];
  readonly #installed = new Set<Kind>();
  #id = 0;
  #poison: string | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Adds hooks in front of the program's and the shell's own; earlier ones are asked first. For good. */
  add(hooks: Partial<ConnectionHooks>): void {
    this.#all.push(hooks);
    for (const kind of Object.keys(kinds) as Kind[]) if (hooks[kind]) this.#install(kind);
  }

  /**
   * Makes the connection refuse every commit until the transaction is rolled back, and ends the statement that
   * runs: for what fails where SQLite knows no errors. Callable from within callbacks.
   */
  poison(reason: string): void {
    const { engine, db } = this.#connection;
    this.#poison ??= reason;
    engine.core.c.sqlite3_interrupt(db);
  }

  /** Readies the connection for {@link poison}, which is too late to install a hook. */
  beReady(): void {
    this.#install('commit');
    this.#install('rollback');
  }

  /** Why nothing commits, where that is so. */
  get poisoned(): string | undefined {
    return this.#poison;
  }

  #install(kind: Kind): void {
    if (this.#installed.has(kind)) return;
    const { engine, db } = this.#connection;
    this.#id ||= engine.register({ hooks: this.#chain() });
    engine.check(db, engine.core.c.bridge_hook(db, this.#id, kinds[kind]));
    this.#installed.add(kind);
  }

  #chain(): ConnectionHooks {
    const connection = this.#connection;
    return {
      authorize: (action: number, texts: AuthorizedTexts) => {
        let verdict = SQLITE_OK;
        for (const { authorize } of this.#all) {
          const one = authorize
            ? connection.within('an authorizer', () => authorize(action, texts))
            : SQLITE_OK;
          if (one === SQLITE_DENY) return SQLITE_DENY;
          if (one === SQLITE_IGNORE) verdict = SQLITE_IGNORE;
        }
        return verdict;
      },
      commit: () => {
        if (this.#poison !== undefined) return false;
        return this.#all.every(({ commit }) => !commit || connection.within('a hook', commit));
      },
      rollback: () => {
        this.#poison = undefined;
        for (const { rollback } of this.#all) if (rollback) connection.within('a hook', rollback);
      },
      update: (op, database, table, rowid) => {
        for (const { update } of this.#all) {
          if (update) connection.within('a hook', () => update(op, database, table, rowid));
        }
      },
      wal: (database, pages) => {
        for (const { wal } of this.#all) if (wal) connection.within('a hook', () => wal(database, pages));
      },
    };
  }
}
