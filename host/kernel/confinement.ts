/**
 * Restricts the SQL of components: it can reach nothing beyond the connection's databases. An authorizer decides while
 * SQLite compiles a statement (https://www.sqlite.org/c3ref/set_authorizer.html).
 */

import * as sqlite from '../core/constants.js';
import type { Connection } from './connection.js';
import { type Hooks, hooksOf } from './hooks.js';
import type { Owner } from './owner.js';

const set = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** SQL functions that use files, processes, the terminal or the host, or that run SQL from a text. */
export const functions = set(
  'load_extension readfile writefile edit fsdir lsmode realpath zipfile sha1_query sha3_query fts3_tokenizer sqlite_log ' +
    'shell_putsnl shell_add_schema shell_module_schema shell_format_schema usleep',
);

/** Virtual tables that read files or the text of other statements. */
export const tables = set('fsdir zipfile csv sqlite_stmt');

/** Tables that read and write the database file directly. */
export const rawTables = set('sqlite_dbpage sqlite_dbdata sqlite_dbptr');

/** Pragmas that only return something, with and without an argument. */
const tellingPragmas = set(
  'table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list foreign_key_check ' +
    'collation_list function_list module_list pragma_list compile_options integrity_check quick_check',
);

/** Pragmas that return something without an argument and set something with one. */
const settingPragmas = set(
  'application_id user_version schema_version data_version encoding page_count page_size freelist_count ' +
    'max_page_count auto_vacuum journal_mode journal_size_limit locking_mode synchronous foreign_keys ' +
    'defer_foreign_keys recursive_triggers ignore_check_constraints query_only busy_timeout cache_size ' +
    'cache_spill case_sensitive_like temp_store trusted_schema cell_size_check automatic_index ' +
    'reverse_unordered_selects secure_delete threads analysis_limit mmap_size wal_autocheckpoint',
);

/** The {@link settingPragmas} that components may set: they change only the database's content or this transaction. */
const settablePragmas = set('application_id user_version defer_foreign_keys');

/** Pragmas that change the database's content. */
const writingPragmas = set('optimize incremental_vacuum');

/**
 * Why a component may not perform an action; undefined if it may.
 *
 * @param action SQLite's action code; the meaning of `first` and `second` depends on it
 * @param readOnly whether the component may only read
 */
export function refusal(
  action: number,
  first: string | null,
  second: string | null,
  readOnly: boolean,
): string | undefined {
  const name = (first ?? '').toLowerCase();
  switch (action) {
    case sqlite.SQLITE_ATTACH:
      return 'ATTACH and VACUUM are not available to components';
    case sqlite.SQLITE_DETACH:
      return 'DETACH is not available to components';
    case sqlite.SQLITE_FUNCTION: {
      const called = (second ?? '').toLowerCase();
      return functions.has(called) ? `${called}() reaches beyond the database` : undefined;
    }
    case sqlite.SQLITE_READ:
      return tables.has(name) ? `${name} reaches beyond the database` : undefined;
    case sqlite.SQLITE_SELECT:
    case sqlite.SQLITE_RECURSIVE:
      return undefined;
    case sqlite.SQLITE_PRAGMA:
      return refusedPragma(name, second, readOnly);
    case sqlite.SQLITE_SAVEPOINT:
      // The session extension opens and releases this savepoint itself when it makes a changeset.
      if (name !== 'rollback' && second === 'changeset') return undefined;
      return readOnly ? 'this component may only read, so it cannot control transactions' : undefined;
    case sqlite.SQLITE_TRANSACTION:
      return readOnly ? 'this component may only read, so it cannot control transactions' : undefined;
  }
  if (readOnly) return 'this component may only read';
  if (
    (action === sqlite.SQLITE_INSERT || action === sqlite.SQLITE_UPDATE || action === sqlite.SQLITE_DELETE) &&
    rawTables.has(name)
  ) {
    return `${name} writes the file past the database`;
  }
  if (
    (action === sqlite.SQLITE_CREATE_VTABLE || action === sqlite.SQLITE_DROP_VTABLE) &&
    tables.has((second ?? '').toLowerCase())
  ) {
    return `${second} reaches beyond the database`;
  }
  return undefined;
}

function refusedPragma(name: string, value: string | null, readOnly: boolean): string | undefined {
  if (tellingPragmas.has(name)) return undefined;
  if (settingPragmas.has(name)) {
    if (value === null) return undefined;
    if (!settablePragmas.has(name)) return `a component may read PRAGMA ${name} but not set it`;
    return readOnly ? 'this component may only read' : undefined;
  }
  if (!writingPragmas.has(name)) return `PRAGMA ${name} is not available to components`;
  return readOnly ? 'this component may only read' : undefined;
}

/** Matches quoted text and comments. */
const quotedOrComment =
  /('(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;
const creates = /\b(?:create|alter)\b/i;
const named = new RegExp(`(?<![\\w$])(${[...functions].join('|')})["'\`\\]]?\\s*\\(`, 'i');

/**
 * Why a statement that stores SQL in the schema is refused; undefined if it is allowed. Functions in stored SQL run
 * later with the user's rights, and SQLite does not call the authorizer for them now.
 */
export function refusalOfText(sql: string): string | undefined {
  if (!creates.test(sql)) return undefined;
  const bare = sql.replace(quotedOrComment, (_, quoted: string | undefined) => quoted ?? ' ');
  const found = named.exec(bare)?.[1];
  return found === undefined ? undefined : `${found.toLowerCase()}() may not become part of the schema`;
}

const makeConfinement = (connection: Connection): Confinement => new Confinement(connection);

export function confinementOf(connection: Connection): Confinement {
  return connection.part(makeConfinement);
}

/**
 * Tracks whether a connection is running SQL of a component. Functions that such SQL calls are confined too, so a
 * component that may only read cannot write through another component's function.
 */
export class Confinement {
  /** The component whose SQL is running, if any. The user's functions then act with its rights. */
  actor: Owner | undefined;
  /** Whether SQL of a component without the grant for sessions is running. */
  withoutSessions = false;
  /** The number of running calls of `spi`. */
  depth = 0;
  /** Why the last action was refused. */
  refused: string | undefined;
  /** Whether a commit is running. SQL may not end or change the transaction meanwhile. */
  frozen = false;
  readonly #connection: Connection;
  readonly #hooks: Hooks;
  #installed = false;
  #mode: 'free' | 'ro' | 'rw' = 'free';

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#hooks = hooksOf(connection);
  }

  /** Whether SQL of a component is running. */
  get isActive(): boolean {
    return this.#mode !== 'free';
  }

  /** Whether an authorizer applies to statements that are compiled now. */
  get isWatched(): boolean {
    return this.isActive || this.#hooks.has('authorize', Confinement);
  }

  /**
   * Runs `action` during a commit. SQL may run if it does not end or change the transaction. Making a changeset of a
   * session would change it, because it opens a savepoint.
   */
  withinCommit<T>(what: string, action: () => T): T {
    const { frozen } = this;
    this.frozen = true;
    try {
      return this.#connection.within(what, action, ['spi', 'changeset', 'session.delete']);
    } finally {
      this.frozen = frozen;
    }
  }

  /** Runs `action` with the SQL of a component confined. @param actor the component */
  run<T>(readOnly: boolean, action: () => T, actor?: Owner): T {
    if (!this.#installed) {
      // Installed when first needed, because an authorizer slows down every statement of the connection.
      this.#hooks.add(
        {
          authorize: (action, [first, second]) =>
            this.#refuses(action, first, second) ? sqlite.SQLITE_DENY : sqlite.SQLITE_OK,
        },
        Confinement,
      );
      this.#installed = true;
    }
    const outer = this.#mode;
    const outerRefused = this.refused;
    const { actor: outerActor, withoutSessions } = this;
    if (actor?.grants) {
      this.actor = actor;
      this.withoutSessions ||= !actor.grants.sessions;
    }
    this.#mode = readOnly || outer === 'ro' ? 'ro' : 'rw';
    try {
      return action();
    } finally {
      this.#mode = outer;
      this.actor = outerActor;
      this.withoutSessions = withoutSessions;
      this.refused = outerRefused;
    }
  }

  #refuses(action: number, first: string | null, second: string | null): boolean {
    if (this.#mode === 'free') return false;
    const transaction =
      this.frozen && (action === sqlite.SQLITE_TRANSACTION || action === sqlite.SQLITE_SAVEPOINT);
    const why = transaction
      ? 'the transaction is being committed'
      : refusal(action, first, second, this.#mode === 'ro');
    if (why === undefined) return false;
    this.refused ??= why;
    return true;
  }
}
