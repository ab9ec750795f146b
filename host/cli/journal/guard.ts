/** Uses SQLite's authorizer to find out what the user's statements do, and to refuse forbidden actions. */

import { type Action, written } from '../../api/actions.js';
import { SQLITE_AUTH, SQLITE_DENY, SQLITE_OK } from '../../core/constants.js';
import { SqliteError, sqliteError } from '../../core/errors.js';
import { constants, type DatabaseSync } from '../../index.js';

/** Returns the reason why an action is refused; undefined if it is allowed. */
export type Rule = (action: Action) => string | undefined;

/** The actions whose second argument is the table. */
const onTables = new Set<number>([
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_CREATE_TEMP_INDEX,
  constants.SQLITE_CREATE_TEMP_TRIGGER,
  constants.SQLITE_DROP_TEMP_INDEX,
  constants.SQLITE_DROP_TEMP_TRIGGER,
]);

/** Returns the temporary table or view that an action reads, writes or creates; undefined if there is none. */
export function temporarySubject({ code, first, second, database }: Action): string | undefined {
  const isTemporary = (code === constants.SQLITE_ALTER_TABLE ? first : database) === 'temp';
  return isTemporary ? ((onTables.has(code) ? second : first) ?? undefined) : undefined;
}

/** A table or view that a statement creates. */
export interface Made {
  readonly name: string;
  readonly isTemporary: boolean;
}

const makingTemporary = new Set<number>([
  constants.SQLITE_CREATE_TEMP_TABLE,
  constants.SQLITE_CREATE_TEMP_VIEW,
]);
const making = new Set<number>([
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_CREATE_VTABLE,
]);

export class Guard {
  /** Whether the last compiled statement writes to the main database. */
  writes = false;
  /** The tables and views that the last compiled statement creates. */
  made: Made[] = [];
  readonly #rule: Rule;
  #isWatching = false;
  #reason: string | undefined;

  constructor(database: DatabaseSync, rule: Rule) {
    this.#rule = rule;
    database.setAuthorizer((code, first, second, name, source) => {
      if (!this.#isWatching) return SQLITE_OK; // a statement of this program
      const action = { code, first, second, database: name, source };
      if (written(action) === 'main') this.writes = true;
      if (making.has(code) || makingTemporary.has(code)) {
        this.made.push({ name: first ?? '', isTemporary: makingTemporary.has(code) || name === 'temp' });
      }
      this.#reason ??= this.#rule(action);
      return this.#reason === undefined ? SQLITE_OK : SQLITE_DENY;
    });
  }

  /** Whether the last compiled statement creates a temporary table or view. */
  get makesTemporary(): boolean {
    return this.made.some(({ isTemporary }) => isTemporary);
  }

  /**
   * Compiles a statement of the user, and sets {@link writes} and {@link made}.
   *
   * @throws SqliteError (SQLITE_AUTH) if the statement is refused
   */
  compile<T>(action: () => T): T {
    this.writes = false;
    this.made = [];
    return this.watch(action);
  }

  /** Runs a statement of the user, which SQLite may compile again. @throws the errors of {@link compile} */
  watch<T>(action: () => T): T {
    this.#isWatching = true;
    this.#reason = undefined;
    try {
      return action();
    } catch (error) {
      const reason: string | undefined = this.#reason;
      if (reason === undefined || !(error instanceof SqliteError)) throw error;
      throw sqliteError(SQLITE_AUTH, reason);
    } finally {
      this.#isWatching = false;
    }
  }
}
